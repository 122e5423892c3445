/* float32 convolution over up to three spatial axes, or with `transposed` its transpose.
 *
 * weights  out_c x (in_c / groups) x kernel
 */
#include "ek_common.h"
#include "ek_volume.h"

EK_INLINE void ek_conv_nd_f32_tap(const ek_volume *v, const float *x, const float *weights,
                                  int32_t taps, float *y)
{
    const int32_t depth = v->in_c / v->groups;
    const int32_t filters = v->out_c / v->groups;
    for (int32_t f = 0; f < v->out_c; ++f) {
        const float *src = x + f / filters * depth * v->x_channel;
        float sum = 0.0f;
        for (int32_t c = 0; c < depth; ++c) {
            sum += src[c * v->x_channel] * weights[(f * depth + c) * taps];
        }
        y[f * v->y_channel] += sum;
    }
}

EK_KERNEL void ek_conv_nd_f32(const ek_volume *v, int transposed, float low, float high,
                              const float *x, const float *weights, const float *bias, float *y)
{
    const int32_t taps = ek_volume_count(v->kernel);
    const int32_t count = ek_volume_count(v->out);
    for (int32_t position = 0; position < count; ++position) {
        int32_t at[3];
        ek_volume_at(v->out, position, at);
        for (int32_t f = 0; f < v->out_c; ++f) {
            y[f * v->y_channel] = bias[f];
        }
        for (int32_t tap = 0; tap < taps; ++tap) {
            const int32_t from =
                transposed ? ek_volume_origin(v, at, tap) : ek_volume_source(v, at, tap);
            if (from >= 0) {
                ek_conv_nd_f32_tap(v, x + from * v->x_pos, weights + tap, taps, y);
            }
        }
        for (int32_t f = 0; f < v->out_c; ++f) {
            y[f * v->y_channel] = ek_clamp_f32(y[f * v->y_channel], low, high);
        }
        y += v->y_pos;
    }
}
