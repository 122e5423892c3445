/* The windows of six neighbouring output pixels, packed as ek_packed.h says: one column of
 * EK_PACKED_WORDS words for each position of the window.
 *
 * pixel    the first of the six; those beyond the last are the last one again
 * tap      first tap of the window (row by row), and how many follow
 * channel  first channel of each tap, and how many follow
 * pad      as many bytes of the input's zero point as there are input channels
 */
#include "ek_packed_run.h"

/* Where the windows of six pixels begin. */
typedef struct {
    int32_t top[EK_PACKED_SLOTS];
    int32_t left[EK_PACKED_SLOTS];
    int32_t at[EK_PACKED_SLOTS]; /* bytes from the first of the input */
    int32_t left_low, left_high; /* smallest and largest of left; top ascends */
} ek_packed_corners;

EK_INLINE void ek_packed_find(const ek_window *w, int32_t pixel, ek_packed_corners *p)
{
    const int32_t last = w->out_h * w->out_w - 1;
    int32_t oy = pixel / w->out_w;
    int32_t ox = pixel - oy * w->out_w;
    p->left_low = w->in_w;
    p->left_high = -w->pad_left;
    for (int32_t i = 0; i < EK_PACKED_SLOTS; ++i) {
        const int32_t top = oy * w->stride_h - w->pad_top;
        const int32_t left = ox * w->stride_w - w->pad_left;
        p->top[i] = top;
        p->left[i] = left;
        p->at[i] = (top * w->in_w + left) * w->in_c;
        p->left_low = left < p->left_low ? left : p->left_low;
        p->left_high = left > p->left_high ? left : p->left_high;
        if (pixel + i < last && ++ox == w->out_w) {
            ox = 0;
            ++oy;
        }
    }
}

/* The bytes at (dy, dx) of each window; where `inside` is false some may lie in the padding. */
EK_INLINE void ek_packed_at(const ek_window *w, const int8_t *x, const int8_t *pad,
                            const ek_packed_corners *p, int32_t dy, int32_t dx, int inside,
                            const int8_t *from[EK_PACKED_SLOTS])
{
    const int32_t further = (dy * w->in_w + dx) * w->in_c;
    for (int32_t i = 0; i < EK_PACKED_SLOTS; ++i) {
        const int known = inside || ((uint32_t)(p->top[i] + dy) < (uint32_t)w->in_h &&
                                     (uint32_t)(p->left[i] + dx) < (uint32_t)w->in_w);
        from[i] = known ? x + (p->at[i] + further) : pad;
    }
}

EK_KERNEL void ek_packed_columns_s8(const ek_window *w, const int8_t *x, const int8_t *pad,
                                    int32_t pixel, int32_t tap, int32_t taps, int32_t channel,
                                    int32_t channels, uint32_t *words)
{
    const int consecutive = w->dilation_w == 1 && channels == w->in_c;
    ek_packed_corners p;
    ek_packed_find(w, pixel, &p);
    int32_t ky = tap / w->kernel_w;
    int32_t kx = tap - ky * w->kernel_w;
    for (int32_t left = taps; left > 0;) {
        const int8_t *from[EK_PACKED_SLOTS];
        const int32_t dy = ky * w->dilation_h;
        const int32_t dx = kx * w->dilation_w;
        const int rows = p.top[0] + dy >= 0 && p.top[EK_PACKED_SLOTS - 1] + dy < w->in_h;
        const int32_t rest = w->kernel_w - kx < left ? w->kernel_w - kx : left;
        int32_t count = 1;
        if (rows && consecutive && p.left_low + dx >= 0 && p.left_high + dx + rest <= w->in_w) {
            count = rest; /* the rest of the window's row is consecutive */
            ek_packed_at(w, x + channel, pad, &p, dy, dx, 1, from);
        } else {
            ek_packed_at(w, x + channel, pad, &p, dy, dx, 0, from);
        }
        words = ek_packed_run(from, count * channels, words);
        left -= count;
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
