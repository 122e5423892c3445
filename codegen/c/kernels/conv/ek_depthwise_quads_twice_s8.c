/* int8 depthwise convolution of one window whose outputs are rounded twice, see
 * ek_depthwise_quads.h: each multiplier is followed by what is added to its product, whose trailing
 * zeros are one less than the channel's shift. */
#include "ek_depthwise_quads.h"

EK_KERNEL void ek_depthwise_quads_twice_s8(const ek_depthwise_quads *a, const int8_t *x, int8_t *y,
                                           const int32_t *steps)
{
    const int32_t constants = 4 + 2 * a->kernel_h * a->kernel_w;
    const int32_t *filter = a->filters;
    for (int32_t quad = 0; quad < a->quads; ++quad) {
        int8_t outputs[4];
        for (int32_t c = 0; c < 4; ++c) {
            const int32_t *scale = filter + constants + 2 * c;
            const int32_t sum = ek_depthwise_quads_sum(a, filter, x, steps, quad, c);
            outputs[c] = ek_depthwise_scale_twice_s8(sum, scale[0], scale[1]);
        }
        for (int32_t c = 0; c < 4; ++c) {
            y[c] = outputs[c];
        }
        y += 4;
        filter += constants + 8;
    }
}
