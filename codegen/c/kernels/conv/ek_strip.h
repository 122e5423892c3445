/* Rows of output pixels in pieces: four neighbours whose windows all lie inside the input, single
 * pixels at the border and at the end. Windows are cut to what lies inside. */
#ifndef EK_STRIP_H
#define EK_STRIP_H

#include "ek_common.h"

/* The pieces of every row: `left` single pixels, `quads` times four, single pixels again. */
typedef struct {
    int32_t left, quads, count;
} ek_pieces;

/* The pixels of one piece and the taps of their windows that lie inside the input: rows ky0 .. ky1 - 1,
 * columns kx0 .. kx1 - 1. */
typedef struct {
    int32_t pixels;
    int32_t ky0, ky1, kx0, kx1;
    int32_t in, out; /* pixel of the input under the first tap, pixel of the output */
} ek_strip;

/* The first of `taps` positions from `start` on, `step` apart, that is not negative. */
EK_INLINE int32_t ek_first_tap(int32_t start, int32_t step, int32_t taps)
{
    const int32_t first = start < 0 ? (step - 1 - start) / step : 0;
    return first < taps ? first : taps;
}

/* How many of `taps` positions from `start` on lie before `size`. Only borders divide. */
EK_INLINE int32_t ek_last_tap(int32_t start, int32_t step, int32_t taps, int32_t size)
{
    if (start + (taps - 1) * step < size) {
        return taps;
    }
    return start < size ? (size - start + step - 1) / step : 0;
}

EK_INLINE ek_pieces ek_pieces_of(const ek_window *w)
{
    const int32_t reach = (w->kernel_w - 1) * w->dilation_w - w->pad_left;
    int32_t left = (w->pad_left + w->stride_w - 1) / w->stride_w;
    left = left < w->out_w ? left : w->out_w;
    int32_t end = ek_last_tap(reach, w->stride_w, w->out_w, w->in_w);
    end = end > left ? end : left;
    const int32_t quads = (end - left) / 4;
    const ek_pieces p = {left, quads, w->out_w - 3 * quads};
    return p;
}

/* One pixel. */
EK_INLINE ek_strip ek_strip_of(const ek_window *w, int32_t oy, int32_t ox)
{
    const int32_t iy = oy * w->stride_h - w->pad_top;
    const int32_t ix = ox * w->stride_w - w->pad_left;
    ek_strip s;
    s.pixels = 1;
    s.ky0 = ek_first_tap(iy, w->dilation_h, w->kernel_h);
    s.ky1 = ek_last_tap(iy, w->dilation_h, w->kernel_h, w->in_h);
    s.kx0 = ek_first_tap(ix, w->dilation_w, w->kernel_w);
    s.kx1 = ek_last_tap(ix, w->dilation_w, w->kernel_w, w->in_w);
    s.in = (iy + s.ky0 * w->dilation_h) * w->in_w + ix + s.kx0 * w->dilation_w;
    s.out = oy * w->out_w + ox;
    return s;
}

EK_INLINE ek_strip ek_strip_at(const ek_window *w, const ek_pieces *p, int32_t oy, int32_t piece)
{
    const int32_t beyond = piece - p->left;
    const int32_t before = beyond <= 0 ? 0 : (beyond < p->quads ? beyond : p->quads);
    ek_strip s = ek_strip_of(w, oy, piece + 3 * before);
    s.pixels = beyond >= 0 && beyond < p->quads ? 4 : 1;
    return s;
}

#endif
