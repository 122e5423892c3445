/* int8 depthwise convolution of one window, see ek_depthwise_quads.h. A tap's weights are two words
 * of halfwords, 256 times as large: channels 0 and 2, then 1 and 3. */
#include "ek_depthwise_quads.h"

EK_INLINE int32_t ek_depthwise_quads_weight(const int32_t *taps, int32_t tap, int32_t c)
{
    const uint32_t word = (uint32_t)taps[2 * tap + (c & 1)];
    return (int16_t)(c < 2 ? word & 0xffffu : word >> 16);
}

EK_KERNEL void ek_depthwise_quads_s8(const ek_depthwise_quads *a, const int8_t *x, int8_t *y,
                                     const int32_t *steps)
{
    const int32_t taps = a->kernel_h * a->kernel_w;
    const int32_t *filter = a->filters;
    for (int32_t quad = 0; quad < a->quads; ++quad) {
        int8_t outputs[4];
        for (int32_t c = 0; c < 4; ++c) {
            int32_t sum = filter[c];
            for (int32_t tap = 0; tap < taps; ++tap) {
                const int32_t ky = tap / a->kernel_w;
                const int8_t *at = x + ky * steps[0] + (tap - ky * a->kernel_w) * steps[1];
                sum += at[c] * ek_depthwise_quads_weight(filter + 4, tap, c);
            }
            const int64_t product =
                (int64_t)sum * filter[4 + 2 * taps + c] + (INT64_C(1) << 31);
            const int32_t scaled = (int32_t)(product >> 32) >> a->shift;
            outputs[c] = (int8_t)ek_clamp_i32(scaled, -128, 127);
        }
        for (int32_t c = 0; c < 4; ++c) {
            y[c] = outputs[c];
        }
        x += 4;
        y += 4;
        filter += 8 + 2 * taps;
    }
}
