/* int8 depthwise convolution, NHWC: out_c = in_c * multiplier filters of one channel each.
 *
 * Windows that reach over the border are copied to scratch with the input's zero point as padding,
 * so that the inner loop has no tests; the zero point itself is folded into the bias.
 *
 * weights  out_c x kernel_h x kernel_w
 * bias     out_c, input zero point folded in
 * scratch  kernel_h * kernel_w * in_c bytes; none without padding
 */
#include "ek_gather_s8.h"
#include "ek_requant.h"

EK_INLINE int32_t ek_depthwise_s8_dot(const ek_window *w, const int8_t *x, int32_t row_step,
                                      int32_t column_step, const int8_t *weights, int32_t acc)
{
    for (int32_t ky = 0; ky < w->kernel_h; ++ky) {
        const int8_t *tap = x;
        for (int32_t kx = 0; kx < w->kernel_w; ++kx) {
            acc += (int32_t)*tap * *weights;
            ++weights;
            tap += column_step;
        }
        x += row_step;
    }
    return acc;
}

EK_INLINE void ek_depthwise_s8(const ek_window *w, const ek_requant *q, int8_t x_zero,
                               const int8_t *x, const int8_t *weights, const int32_t *bias,
                               int8_t *scratch, int8_t *y, int rule)
{
    const int32_t multiplier = w->out_c / w->in_c;
    const int32_t taps = w->kernel_h * w->kernel_w;
    const int32_t reach_h = (w->kernel_h - 1) * w->dilation_h;
    const int32_t reach_w = (w->kernel_w - 1) * w->dilation_w;

    for (int32_t oy = 0; oy < w->out_h; ++oy) {
        for (int32_t ox = 0; ox < w->out_w; ++ox) {
            const int32_t iy = oy * w->stride_h - w->pad_top;
            const int32_t ix = ox * w->stride_w - w->pad_left;
            const int8_t *src = scratch;
            int32_t row_step = w->kernel_w * w->in_c;
            int32_t column_step = w->in_c;
            if (iy >= 0 && iy + reach_h < w->in_h && ix >= 0 && ix + reach_w < w->in_w) {
                src = x + (iy * w->in_w + ix) * w->in_c;
                row_step = w->dilation_h * w->in_w * w->in_c;
                column_step = w->dilation_w * w->in_c;
            } else {
                ek_gather_s8(w, x, oy, ox, 0, w->in_c, x_zero, scratch);
            }
            const int8_t *filter = weights;
            int32_t channel = 0;
            for (int32_t c = 0; c < w->in_c; ++c) {
                for (int32_t m = 0; m < multiplier; ++m) {
                    const int32_t acc = ek_depthwise_s8_dot(w, src + c, row_step, column_step,
                                                            filter, bias[channel]);
                    y[channel] = ek_requantize(acc, q, channel, rule);
                    filter += taps;
                    ++channel;
                }
            }
            y += w->out_c;
        }
    }
}
