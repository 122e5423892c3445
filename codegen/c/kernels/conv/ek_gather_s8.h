/* One window of an int8 tensor, copied densely; positions outside the input become `fill`. */
#ifndef EK_GATHER_S8_H
#define EK_GATHER_S8_H

#include "ek_common.h"

/* Copies channels [channel, channel + count) of the window at output (oy, ox) to `patch`
 * (kernel_h * kernel_w * count bytes). */
EK_INLINE void ek_gather_s8(const ek_window *w, const int8_t *x, int32_t oy, int32_t ox,
                            int32_t channel, int32_t count, int8_t fill, int8_t *patch)
{
    for (int32_t ky = 0; ky < w->kernel_h; ++ky) {
        const int32_t iy = oy * w->stride_h - w->pad_top + ky * w->dilation_h;
        for (int32_t kx = 0; kx < w->kernel_w; ++kx) {
            const int32_t ix = ox * w->stride_w - w->pad_left + kx * w->dilation_w;
            if (iy >= 0 && iy < w->in_h && ix >= 0 && ix < w->in_w) {
                const int8_t *src = x + (iy * w->in_w + ix) * w->in_c + channel;
                for (int32_t c = 0; c < count; ++c) {
                    patch[c] = src[c];
                }
            } else {
                for (int32_t c = 0; c < count; ++c) {
                    patch[c] = fill;
                }
            }
            patch += count;
        }
    }
}

#endif
