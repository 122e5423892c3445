/* The windows of six neighbouring output pixels, packed as ek_packed.h says: one column of
 * EK_PACKED_WORDS words for each position of the window.
 *
 * pixel    the first of the six; those beyond the last are the last one again
 * from     first tap of the window (row by row), and how many follow
 * channel  first channel of each tap, and how many follow
 * pad      as many bytes of the input's zero point as there are input channels
 */
#include "ek_packed.h"

EK_INLINE uint32_t *ek_packed_run(const int8_t *const from[EK_PACKED_SLOTS], int32_t count,
                                  uint32_t *words)
{
    const int8_t *a = from[0];
    const int8_t *b = from[1];
    const int8_t *c = from[2];
    const int8_t *d = from[3];
    const int8_t *e = from[4];
    const int8_t *f = from[5];
    for (int32_t i = 0; i < count; ++i) {
        const uint32_t third = (uint32_t)(int32_t)c[i];
        const uint32_t sixth = (uint32_t)(int32_t)f[i];
        words[0] = (uint32_t)(int32_t)a[i] + (third << 21);
        words[1] = (uint32_t)(int32_t)b[i] + (third << 10);
        words[2] = (uint32_t)(int32_t)d[i] + (sixth << 21);
        words[3] = (uint32_t)(int32_t)e[i] + (sixth << 10);
        words += EK_PACKED_WORDS;
    }
    return words;
}

/* The tap of each window, or the pad. */
EK_INLINE void ek_packed_tap(const ek_window *w, const int8_t *x, const int8_t *pad,
                             const int32_t top[], const int32_t left[], int32_t dy, int32_t dx,
                             const int8_t *from[EK_PACKED_SLOTS])
{
    for (int32_t i = 0; i < EK_PACKED_SLOTS; ++i) {
        const int32_t iy = top[i] + dy;
        const int32_t ix = left[i] + dx;
        const int inside = (uint32_t)iy < (uint32_t)w->in_h && (uint32_t)ix < (uint32_t)w->in_w;
        from[i] = inside ? x + (iy * w->in_w + ix) * w->in_c : pad;
    }
}

/* Whether all six windows have `count` positions from `at` on inside the input, along one axis. */
EK_INLINE int ek_packed_inside(const int32_t start[], int32_t at, int32_t count, int32_t size)
{
    for (int32_t i = 0; i < EK_PACKED_SLOTS; ++i) {
        if (start[i] + at < 0 || start[i] + at + count > size) {
            return 0;
        }
    }
    return 1;
}

EK_KERNEL void ek_packed_columns_s8(const ek_window *w, const int8_t *x, const int8_t *pad,
                                    int32_t pixel, int32_t tap, int32_t taps, int32_t channel,
                                    int32_t channels, uint32_t *words)
{
    const int32_t last = w->out_h * w->out_w - 1;
    int32_t top[EK_PACKED_SLOTS];
    int32_t left[EK_PACKED_SLOTS];
    int32_t oy = pixel / w->out_w;
    int32_t ox = pixel - oy * w->out_w;
    for (int32_t i = 0; i < EK_PACKED_SLOTS; ++i) {
        top[i] = oy * w->stride_h - w->pad_top;
        left[i] = ox * w->stride_w - w->pad_left;
        if (pixel + i < last && ++ox == w->out_w) {
            ox = 0;
            ++oy;
        }
    }
    /* Rows of windows that lie inside are consecutive bytes. */
    const int wide = w->kernel_w > 1 && w->dilation_w == 1 && channels == w->in_c &&
                     ek_packed_inside(left, 0, w->kernel_w, w->in_w);
    int32_t ky = tap / w->kernel_w;
    int32_t kx = tap - ky * w->kernel_w;
    for (int32_t n = 0; n < taps;) {
        const int8_t *from[EK_PACKED_SLOTS];
        const int whole = wide && kx == 0 && taps - n >= w->kernel_w &&
                          ek_packed_inside(top, ky * w->dilation_h, 1, w->in_h);
        const int32_t count = whole ? w->kernel_w : 1;
        ek_packed_tap(w, x + channel, pad, top, left, ky * w->dilation_h, kx * w->dilation_w, from);
        words = ek_packed_run(from, count * channels, words);
        n += count;
        kx += count;
        if (kx == w->kernel_w) {
            kx = 0;
            ++ky;
        }
    }
    for (int32_t n = taps * channels; (n & 3) != 0; ++n) { /* weights go on in fours */
        for (int32_t i = 0; i < EK_PACKED_WORDS; ++i) {
            *words++ = 0;
        }
    }
}
