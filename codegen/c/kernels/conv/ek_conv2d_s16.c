/* Convolution of int16 activations with int8 weights, NHWC, any window and number of groups
 * (depthwise included). Accumulators are 64 bits wide; products are summed in 32 bits for as many
 * channels as cannot overflow.
 *
 * weights  out_c x kernel_h x kernel_w x (in_c / groups)
 * bias     out_c
 */
#include "ek_dot_s16.h"
#include "ek_requant_s16.h"

/* The window at (iy, ix) times one filter, or times four that follow each other. */
EK_INLINE void ek_conv2d_s16_window(const ek_window *w, const int16_t *x, const int8_t *weights,
                                    int32_t iy, int32_t ix, int32_t filters, int64_t sums[4])
{
    const int32_t count = w->in_c / w->groups;
    const int32_t apart = w->kernel_h * w->kernel_w * count;
    for (int32_t ky = 0; ky < w->kernel_h; ++ky) {
        const int32_t row = iy + ky * w->dilation_h;
        for (int32_t kx = 0; kx < w->kernel_w; ++kx, weights += count) {
            const int32_t column = ix + kx * w->dilation_w;
            if (row < 0 || row >= w->in_h || column < 0 || column >= w->in_w) {
                continue;
            }
            const int16_t *source = x + (row * w->in_w + column) * w->in_c;
            if (filters == 4) {
                ek_dots_s16(source, weights, apart, count, sums);
            } else {
                sums[0] += ek_dot_s16(source, weights, count);
            }
        }
    }
}

EK_INLINE void ek_conv2d_s16(const ek_window *w, const ek_requant *q, const int16_t *x,
                             const int8_t *weights, const int64_t *bias, int16_t *y, int rule)
{
    const ek_requant r = *q; /* a copy: stores to y cannot change it */
    const int32_t count = w->in_c / w->groups;
    const int32_t filters = w->out_c / w->groups;
    const int32_t k = w->kernel_h * w->kernel_w * count;

    for (int32_t i = 0; i < w->out_h; ++i) {
        const int32_t oy = ek_turn(w, i, w->out_h);
        for (int32_t j = 0; j < w->out_w; ++j) {
            const int32_t ox = ek_turn(w, j, w->out_w);
            int16_t *dst = y + (oy * w->out_w + ox) * w->out_c;
            const int32_t iy = oy * w->stride_h - w->pad_top;
            const int32_t ix = ox * w->stride_w - w->pad_left;
            for (int32_t f = 0; f < w->out_c;) {
                const int32_t some = f % filters + 4 <= filters ? 4 : 1;
                int64_t sums[4] = {0, 0, 0, 0};
                ek_conv2d_s16_window(w, x + f / filters * count, weights + f * k, iy, ix, some, sums);
                for (int32_t n = 0; n < some; ++n, ++f) {
                    *dst++ = ek_requantize_s16(bias[f] + sums[n], &r, f, rule);
                }
            }
        }
    }
}
