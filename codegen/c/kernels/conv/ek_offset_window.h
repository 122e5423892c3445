/* One window of an int8 convolution whose weights have a zero point.
 *
 * x        first channel of the window's group
 * weights  kernel_h x kernel_w x count
 * iy, ix   where the window begins
 */
#ifndef EK_OFFSET_WINDOW_H
#define EK_OFFSET_WINDOW_H

#include "ek_requant.h"

EK_INLINE int32_t ek_offset_window(const ek_window *w, const int8_t *x, int32_t x_zero,
                                   const int8_t *weights, int32_t w_zero, int32_t iy, int32_t ix,
                                   int32_t count)
{
    int32_t sum = 0;
    for (int32_t ky = 0; ky < w->kernel_h; ++ky) {
        const int32_t row = iy + ky * w->dilation_h;
        for (int32_t kx = 0; kx < w->kernel_w; ++kx) {
            const int32_t column = ix + kx * w->dilation_w;
            if (row >= 0 && row < w->in_h && column >= 0 && column < w->in_w) {
                const int8_t *src = x + (row * w->in_w + column) * w->in_c;
                for (int32_t c = 0; c < count; ++c) {
                    sum += (src[c] - x_zero) * (weights[c] - w_zero);
                }
            }
            weights += count;
        }
    }
    return sum;
}

#endif
