/* int8 depthwise convolution of some channels only, NHWC: those that a faster kernel leaves out.
 *
 * channels  which ones; weights (kernel_h x kernel_w each), bias (input zero point folded in) and
 *           requantization are theirs alone, in this order
 */
#include "ek_requant.h"

EK_INLINE int32_t ek_depthwise_channel_dot(const ek_window *w, int8_t x_zero, const int8_t *x,
                                           int32_t oy, int32_t ox, const int8_t *weights)
{
    int32_t acc = 0;
    for (int32_t ky = 0; ky < w->kernel_h; ++ky) {
        const int32_t iy = oy * w->stride_h - w->pad_top + ky * w->dilation_h;
        for (int32_t kx = 0; kx < w->kernel_w; ++kx) {
            const int32_t ix = ox * w->stride_w - w->pad_left + kx * w->dilation_w;
            const int inside = iy >= 0 && iy < w->in_h && ix >= 0 && ix < w->in_w;
            acc += (inside ? x[(iy * w->in_w + ix) * w->in_c] : x_zero) * *weights;
            ++weights;
        }
    }
    return acc;
}

EK_INLINE void ek_depthwise_channels_s8(const ek_window *w, const ek_requant *q, int8_t x_zero,
                                        int32_t count, const int16_t *channels, const int8_t *x,
                                        const int8_t *weights, const int32_t *bias, int8_t *y,
                                        int rule)
{
    const ek_requant r = *q; /* a copy: stores to y cannot change it */
    for (int32_t i = 0; i < count; ++i) {
        const int32_t c = channels[i];
        for (int32_t oy = 0; oy < w->out_h; ++oy) {
            for (int32_t ox = 0; ox < w->out_w; ++ox) {
                const int32_t acc =
                    bias[i] + ek_depthwise_channel_dot(w, x_zero, x + c, oy, ox, weights);
                y[(oy * w->out_w + ox) * w->out_c + c] = ek_requantize(acc, &r, i, rule);
            }
        }
        weights += w->kernel_h * w->kernel_w;
    }
}
