/* Filters that a faster kernel leaves out of an int8 convolution. */
#ifndef EK_OTHERS_H
#define EK_OTHERS_H

#include "ek_requant.h"

typedef struct {
    const ek_window *window;
    const ek_requant *requant; /* of these filters alone, as weights and bias */
    const int16_t *channels;   /* which ones */
    const int16_t *weights;    /* less their zero point */
    const int32_t *bias;
    const int32_t *folded; /* biases with the input's zero point: for windows inside the input */
    int32_t count;
    int32_t x_zero;
} ek_others;

/* The products of a window that begins at (iy, ix) and reaches over an edge of the input.
 *
 * x        first channel of the window's group, which has `depth` channels
 * weights  of the filter
 */
EK_KERNEL int32_t ek_others_border(const ek_others *o, const int8_t *x, const int16_t *weights,
                                   int32_t iy, int32_t ix, int32_t depth)
{
    const ek_window *w = o->window;
    const int32_t x_zero = o->x_zero;
    int32_t sum = 0;
    for (int32_t ky = 0; ky < w->kernel_h; ++ky, iy += w->dilation_h) {
        for (int32_t kx = 0; kx < w->kernel_w; ++kx, weights += depth) {
            const int32_t column = ix + kx * w->dilation_w;
            if ((uint32_t)iy >= (uint32_t)w->in_h || (uint32_t)column >= (uint32_t)w->in_w) {
                continue;
            }
            const int8_t *from = x + (iy * w->in_w + column) * w->in_c;
            for (int32_t c = 0; c < depth; ++c) {
                sum += (from[c] - x_zero) * weights[c];
            }
        }
    }
    return sum;
}

/* The windows that lie inside the input along one axis begin below this. */
EK_INLINE int32_t ek_others_limit(int32_t size, int32_t kernel, int32_t dilation)
{
    return size - (kernel - 1) * dilation;
}

#endif
