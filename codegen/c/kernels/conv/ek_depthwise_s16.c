/* Depthwise convolution of int16 activations with int8 weights, NHWC, one filter a channel, windows of
 * at most 256 taps: their products stay inside int32. Four channels at a time.
 *
 * weights  kernel_h x kernel_w x channels
 * bias     channels
 */
#include "ek_requant_s16.h"

/* The taps of a window inside the image: rows, columns, the first input and the first weight. */
typedef struct {
    const int16_t *x;
    const int8_t *weights;
    int32_t rows, columns;
} ek_depthwise_part;

EK_INLINE ek_depthwise_part ek_depthwise_inside(const ek_window *w, int32_t iy, int32_t ix,
                                                const int16_t *x, const int8_t *weights)
{
    const int32_t dy = w->dilation_h, dx = w->dilation_w;
    const int32_t top = iy < 0 ? (dy - 1 - iy) / dy : 0;
    const int32_t left = ix < 0 ? (dx - 1 - ix) / dx : 0;
    const int32_t bottom = ek_clamp_i32((w->in_h - iy + dy - 1) / dy, top, w->kernel_h);
    const int32_t right = ek_clamp_i32((w->in_w - ix + dx - 1) / dx, left, w->kernel_w);
    const ek_depthwise_part part = {
        x + ((iy + top * dy) * w->in_w + ix + left * dx) * w->in_c,
        weights + (top * w->kernel_w + left) * w->in_c, bottom - top, right - left};
    return part;
}

/* Sums of one channel, or of four that follow each other. */
EK_INLINE void ek_depthwise_s16_sums(const ek_window *w, const ek_depthwise_part *part, int32_t c,
                                     int32_t channels, int32_t sums[4])
{
    int32_t s0 = 0, s1 = 0, s2 = 0, s3 = 0;
    for (int32_t row = 0; row < part->rows; ++row) {
        const int16_t *x = part->x + row * w->dilation_h * w->in_w * w->in_c + c;
        const int8_t *weights = part->weights + row * w->kernel_w * w->in_c + c;
        for (int32_t column = 0; column < part->columns; ++column) {
            s0 += x[0] * weights[0];
            if (channels == 4) {
                s1 += x[1] * weights[1];
                s2 += x[2] * weights[2];
                s3 += x[3] * weights[3];
            }
            x += w->dilation_w * w->in_c;
            weights += w->in_c;
        }
    }
    sums[0] = s0;
    sums[1] = s1;
    sums[2] = s2;
    sums[3] = s3;
}

EK_INLINE void ek_depthwise_s16(const ek_window *w, const ek_requant *q, const int16_t *x,
                                const int8_t *weights, const int64_t *bias, int16_t *y, int rule)
{
    const ek_requant r = *q; /* a copy: stores to y cannot change it */
    for (int32_t i = 0; i < w->out_h; ++i) {
        const int32_t oy = ek_turn(w, i, w->out_h);
        for (int32_t j = 0; j < w->out_w; ++j) {
            const int32_t ox = ek_turn(w, j, w->out_w);
            int16_t *dst = y + (oy * w->out_w + ox) * w->out_c;
            const ek_depthwise_part part =
                ek_depthwise_inside(w, oy * w->stride_h - w->pad_top,
                                    ox * w->stride_w - w->pad_left, x, weights);
            for (int32_t c = 0; c < w->out_c;) {
                const int32_t some = c + 4 <= w->out_c ? 4 : 1;
                int32_t sums[4];
                ek_depthwise_s16_sums(w, &part, c, some, sums);
                for (int32_t n = 0; n < some; ++n, ++c) {
                    *dst++ = ek_requantize_s16(bias[c] + sums[n], &r, c, rule);
                }
            }
        }
    }
}
