/* int8 transposed convolution, channels last.
 *
 * weights  out_c x kernel x (in_c / groups)
 * acc      out_c sums: the scratch
 */
#include "ek_requant.h"
#include "ek_volume.h"

EK_INLINE void ek_conv_transpose_s8_tap(const ek_volume *v, int32_t x_zero, const int8_t *x,
                                        const int8_t *weights, int32_t taps, int32_t *acc)
{
    const int32_t depth = v->in_c / v->groups;
    const int32_t filters = v->out_c / v->groups;
    for (int32_t f = 0; f < v->out_c; ++f) {
        const int8_t *src = x + f / filters * depth;
        const int8_t *row = weights + f * taps * depth;
        int32_t sum = acc[f];
        for (int32_t c = 0; c < depth; ++c) {
            sum += (src[c] - x_zero) * row[c];
        }
        acc[f] = sum;
    }
}

EK_INLINE void ek_conv_transpose_s8(const ek_volume *v, const ek_requant *q, int32_t x_zero,
                                    const int8_t *x, const int8_t *weights, const int32_t *bias,
                                    int32_t *acc, int8_t *y, int rule)
{
    const int32_t taps = ek_volume_count(v->kernel);
    const int32_t count = ek_volume_count(v->out);
    const int32_t depth = v->in_c / v->groups;
    for (int32_t position = 0; position < count; ++position) {
        int32_t at[3];
        ek_volume_at(v->out, position, at);
        for (int32_t f = 0; f < v->out_c; ++f) {
            acc[f] = bias[f];
        }
        for (int32_t tap = 0; tap < taps; ++tap) {
            const int32_t from = ek_volume_origin(v, at, tap);
            if (from >= 0) {
                ek_conv_transpose_s8_tap(v, x_zero, x + from * v->in_c, weights + tap * depth,
                                         taps, acc);
            }
        }
        for (int32_t f = 0; f < v->out_c; ++f) {
            *y++ = ek_requantize(acc[f], q, f, rule);
        }
    }
}
