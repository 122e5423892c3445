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

EK_INLINE int32_t ek_depthwise_s8_dot(int32_t kernel_h, int32_t kernel_w, const int8_t *x,
                                      int32_t row_step, int32_t column_step,
                                      const int8_t *weights, int32_t acc)
{
    for (int32_t ky = 0; ky < kernel_h; ++ky) {
        const int8_t *tap = x;
        for (int32_t kx = 0; kx < kernel_w; ++kx) {
            acc += (int32_t)*tap * *weights;
            ++weights;
            tap += column_step;
        }
        x += row_step;
    }
    return acc;
}

/* The same with the nine taps of a 3x3 window written out. */
EK_INLINE int32_t ek_depthwise_s8_dot3(const int8_t *x, int32_t row_step, int32_t column_step,
                                       const int8_t *weights, int32_t acc)
{
    const int8_t *r0 = x;
    const int8_t *r1 = x + row_step;
    const int8_t *r2 = r1 + row_step;
    acc += r0[0] * weights[0] + r0[column_step] * weights[1] + r0[2 * column_step] * weights[2];
    acc += r1[0] * weights[3] + r1[column_step] * weights[4] + r1[2 * column_step] * weights[5];
    acc += r2[0] * weights[6] + r2[column_step] * weights[7] + r2[2 * column_step] * weights[8];
    return acc;
}

/* All channels of one output pixel. */
EK_INLINE void ek_depthwise_s8_pixel(const ek_window *w, const ek_requant *q, const int8_t *x,
                                     int32_t row_step, int32_t column_step,
                                     const int8_t *weights, const int32_t *bias, int8_t *y,
                                     int rule)
{
    const ek_requant r = *q; /* a copy: stores to y cannot change it */
    const int32_t kernel_h = w->kernel_h;
    const int32_t kernel_w = w->kernel_w;
    const int32_t channels = w->out_c;
    const int32_t taps = kernel_h * kernel_w;
    if (taps == 9 && kernel_w == 3 && channels == w->in_c) {
        for (int32_t c = 0; c < channels; ++c) {
            const int32_t acc = ek_depthwise_s8_dot3(x, row_step, column_step, weights, bias[c]);
            y[c] = ek_requantize(acc, &r, c, rule);
            weights += 9;
            ++x;
        }
        return;
    }
    const int32_t multiplier = channels / w->in_c;
    for (int32_t c = 0; c < channels; ++c) {
        const int32_t acc = ek_depthwise_s8_dot(kernel_h, kernel_w, x + c / multiplier, row_step,
                                                column_step, weights, bias[c]);
        y[c] = ek_requantize(acc, &r, c, rule);
        weights += taps;
    }
}

EK_INLINE void ek_depthwise_s8(const ek_window *w, const ek_requant *q, int8_t x_zero,
                               const int8_t *x, const int8_t *weights, const int32_t *bias,
                               int8_t *scratch, int8_t *y, int rule)
{
    const int32_t reach_h = (w->kernel_h - 1) * w->dilation_h;
    const int32_t reach_w = (w->kernel_w - 1) * w->dilation_w;

    for (int32_t i = 0; i < w->out_h; ++i) {
        const int32_t oy = ek_turn(w, i, w->out_h);
        for (int32_t j = 0; j < w->out_w; ++j) {
            const int32_t ox = ek_turn(w, j, w->out_w);
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
            ek_depthwise_s8_pixel(w, q, src, row_step, column_step, weights, bias,
                                  y + (oy * w->out_w + ox) * w->out_c, rule);
        }
    }
}
