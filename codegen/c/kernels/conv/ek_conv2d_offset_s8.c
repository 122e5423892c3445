/* int8 convolution whose weights have a zero point (models that were quantized to uint8), NHWC, any
 * window and number of groups (depthwise included).
 *
 * weights  out_c x kernel_h x kernel_w x (in_c / groups)
 */
#include "ek_offset_window.h"

EK_INLINE void ek_conv2d_offset_s8(const ek_window *w, int32_t x_zero, int32_t w_zero,
                                   const ek_requant *q, const int8_t *x, const int8_t *weights,
                                   const int32_t *bias, int8_t *y, int rule)
{
    const ek_requant r = *q; /* a copy: stores to y cannot change it */
    const int32_t count = w->in_c / w->groups;
    const int32_t filters = w->out_c / w->groups;
    const int32_t k = w->kernel_h * w->kernel_w * count;

    for (int32_t i = 0; i < w->out_h; ++i) {
        const int32_t oy = ek_turn(w, i, w->out_h);
        for (int32_t j = 0; j < w->out_w; ++j) {
            const int32_t ox = ek_turn(w, j, w->out_w);
            int8_t *dst = y + (oy * w->out_w + ox) * w->out_c;
            const int32_t iy = oy * w->stride_h - w->pad_top;
            const int32_t ix = ox * w->stride_w - w->pad_left;
            for (int32_t f = 0; f < w->out_c; ++f) {
                const int32_t sum = ek_offset_window(w, x + f / filters * count, x_zero,
                                                               weights + f * k, w_zero, iy, ix, count);
                *dst++ = ek_requantize(bias[f] + sum, &r, f, rule);
            }
        }
    }
}
