/* One window of an int8 tensor, copied densely; positions outside the input become `fill`. */
#ifndef EK_GATHER_S8_H
#define EK_GATHER_S8_H

#include "ek_common.h"

/* A few bytes: a loop in place costs less than a call of memcpy. */
EK_INLINE void ek_copy_few_s8(const int8_t *src, int8_t *dst, int32_t count)
{
    for (int32_t i = 0; i < count; ++i) {
        dst[i] = src[i];
    }
}

/* Copies channels [channel, channel + count) of the window at output (oy, ox) to `patch`
 * (kernel_h * kernel_w * count bytes). */
EK_INLINE void ek_gather_s8(const ek_window *w, const int8_t *x, int32_t oy, int32_t ox,
                            int32_t channel, int32_t count, int8_t fill, int8_t *patch)
{
    const int32_t left = ox * w->stride_w - w->pad_left;
    const int32_t right = left + (w->kernel_w - 1) * w->dilation_w;
    /* Whole rows of a window that lie inside the input are consecutive bytes. */
    const int whole = left >= 0 && right < w->in_w && w->dilation_w == 1 && count == w->in_c;
    for (int32_t ky = 0; ky < w->kernel_h; ++ky) {
        const int32_t iy = oy * w->stride_h - w->pad_top + ky * w->dilation_h;
        const int inside = iy >= 0 && iy < w->in_h;
        if (inside && whole) {
            const int32_t bytes = w->kernel_w * count;
            ek_copy_few_s8(x + (iy * w->in_w + left) * w->in_c, patch, bytes);
            patch += bytes;
            continue;
        }
        for (int32_t kx = 0; kx < w->kernel_w; ++kx) {
            const int32_t ix = left + kx * w->dilation_w;
            if (inside && ix >= 0 && ix < w->in_w) {
                const int8_t *src = x + (iy * w->in_w + ix) * w->in_c + channel;
                ek_copy_few_s8(src, patch, count);
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
