/* int8 depthwise convolution, NHWC, any window: some pixels of a row at a time. What their windows
 * reach is copied to a patch, some channels at a time, with the input's zero point outside it. Last
 * pixels that would reach beyond their row are moved to the left, and some are computed again.
 *
 * scratch  kernel_h * row_bytes, on words
 */
#include "ek_depthwise_patch.h"

/* Where a patch lies inside the input: rows of the kernel, columns of the patch. */
typedef struct {
    int32_t top, left;  /* of the patch in the input */
    int32_t row, rows;  /* first, and beyond the last */
    int32_t from, to;   /* columns */
    int32_t columns;    /* all of them */
} ek_patch_place;

EK_INLINE void ek_patch_locate(const ek_window *w, const ek_depthwise_patch *p, int32_t oy,
                               int32_t ox, ek_patch_place *at)
{
    at->top = oy * w->stride_h - w->pad_top;
    at->left = ox * w->stride_w - w->pad_left;
    at->columns = (p->pixels - 1) * p->stride + (p->kernel_w - 1) * p->dilation + 1;
    at->from = ek_clamp_i32(-at->left, 0, at->columns);
    at->to = ek_clamp_i32(w->in_w - at->left, at->from, at->columns);
    at->row = 0;
    while (at->row < w->kernel_h && at->top + at->row * w->dilation_h < 0) {
        ++at->row;
    }
    at->rows = w->kernel_h;
    while (at->rows > at->row && at->top + (at->rows - 1) * w->dilation_h >= w->in_h) {
        --at->rows;
    }
}

/* Whole columns of one row, word by word. */
EK_INLINE void ek_patch_fill(const ek_depthwise_patch *p, int8_t *row, int32_t columns)
{
    int32_t *words = (int32_t *)(void *)row;
    const int32_t word = (int32_t)((uint32_t)(uint8_t)p->fill * 0x01010101u);
    for (int32_t i = 0; i < columns * p->lanes / 4; ++i) {
        words[i] = word;
    }
}

/* What lies outside the input: the same for all channels. */
EK_INLINE void ek_patch_border(const ek_window *w, const ek_depthwise_patch *p,
                               const ek_patch_place *at, int8_t *patch)
{
    for (int32_t ky = 0; ky < w->kernel_h; ++ky, patch += p->row_bytes) {
        const int inside = ky >= at->row && ky < at->rows;
        ek_patch_fill(p, patch, inside ? at->from : at->columns);
        if (inside) {
            ek_patch_fill(p, patch + at->to * p->lanes, at->columns - at->to);
        }
    }
}

/* A multiple of four bytes between addresses that lie on words. */
EK_INLINE void ek_copy_words(const int8_t *src, int8_t *dst, int32_t count)
{
#if defined(__GNUC__)
    const int8_t *from = (const int8_t *)__builtin_assume_aligned(src, 4);
    int8_t *to = (int8_t *)__builtin_assume_aligned(dst, 4);
    if (__builtin_constant_p(count)) {
        __builtin_memcpy(to, from, (size_t)count);
        return;
    }
    for (int32_t i = 0; i < count; i += 4) {
        __builtin_memcpy(to + i, from + i, 4);
    }
#else
    ek_copy_bytes(src, dst, (size_t)count);
#endif
}

/* Channels of the pixels inside the input; on_words: those of each pixel are whole words there. */
EK_INLINE void ek_patch_inside(const ek_window *w, const ek_depthwise_patch *p,
                               const ek_patch_place *at, const int8_t *x, int8_t *patch,
                               int32_t count, int on_words)
{
    for (int32_t ky = at->row; ky < at->rows; ++ky) {
        const int32_t iy = at->top + ky * w->dilation_h;
        const int8_t *src = x + (iy * w->in_w + at->left + at->from) * w->in_c;
        int8_t *dst = patch + ky * p->row_bytes + at->from * p->lanes;
        for (int32_t i = at->from; i < at->to; ++i, src += w->in_c, dst += p->lanes) {
            if (on_words) {
                ek_copy_words(src, dst, count);
            } else {
                ek_copy_bytes(src, dst, (size_t)count);
            }
        }
    }
}

EK_INLINE void ek_patch_copy(const ek_window *w, const ek_depthwise_patch *p,
                             const ek_patch_place *at, const int8_t *x, int8_t *patch)
{
    const int on_words = ((uintptr_t)x % 4 | (uint32_t)(w->in_c | p->channels) % 4) == 0;
    if (on_words && p->channels == 16) {
        ek_patch_inside(w, p, at, x, patch, 16, 1);
    } else if (on_words && p->channels == 8) {
        ek_patch_inside(w, p, at, x, patch, 8, 1);
    } else if (on_words) {
        ek_patch_inside(w, p, at, x, patch, p->channels, 1);
    } else {
        ek_patch_inside(w, p, at, x, patch, p->channels, 0);
    }
}

/* All channels of some neighbouring pixels. */
EK_INLINE void ek_patch_pixels_s8(const ek_window *w, ek_depthwise_patch p, ek_patch_kernel kernel,
                                  int32_t oy, int32_t ox, const int8_t *x, int8_t *scratch,
                                  int8_t *y)
{
    const int32_t taps = w->kernel_h * w->kernel_w;
    ek_patch_place at;
    ek_patch_locate(w, &p, oy, ox, &at);
    ek_patch_border(w, &p, &at, scratch);
    for (int32_t c = 0; c < w->in_c; c += p.lanes) {
        p.channels = c + p.lanes > w->in_c ? w->in_c - c : p.lanes;
        ek_patch_copy(w, &p, &at, x + c, scratch);
        kernel(&p, scratch, y + (oy * w->out_w + ox) * w->out_c + c * p.multiplier);
        p.weights += p.channels * p.multiplier * taps;
        p.table += 3 * p.channels * p.multiplier;
    }
}

EK_KERNEL void ek_depthwise_patches_s8(const ek_window *w, const ek_depthwise_patch *p,
                                       ek_patch_kernel kernel, const int8_t *x, int8_t *scratch,
                                       int8_t *y)
{
    const int32_t last = w->out_w - p->pixels;
    const int32_t shares = (w->out_w + p->pixels - 1) / p->pixels;
    for (int32_t i = 0; i < w->out_h; ++i) {
        const int32_t oy = ek_turn(w, i, w->out_h);
        for (int32_t j = 0; j < shares; ++j) {
            const int32_t ox = ek_turn(w, j, shares) * p->pixels;
            ek_patch_pixels_s8(w, *p, kernel, oy, ox > last ? last : ox, x, scratch, y);
        }
    }
}
