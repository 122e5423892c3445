/* int8 depthwise convolution, NHWC, any window: `kernel` computes each output row piece by piece, the
 * last piece so that it ends with the row.
 *
 * pad      in_c bytes of the input's zero point
 * scratch  the pointers of a piece's windows, from the next place on where pointers may lie
 */
#include "ek_depthwise_piece.h"

/* The pointers of a part of a kernel row; `row` is NULL outside the input. */
EK_INLINE const int8_t **ek_depthwise_point(const ek_window *w, const int8_t *row, int32_t ix,
                                            int32_t span, const int8_t *pad,
                                            const int8_t **pixels)
{
    int32_t p = 0;
    if (row != NULL) {
        for (; p < span && ix + p < 0; ++p) {
            *pixels++ = pad;
        }
        row += ix + p < w->in_w ? (ix + p) * w->in_c : 0;
        for (; p < span && ix + p < w->in_w; ++p, row += w->in_c) {
            *pixels++ = row;
        }
    }
    for (; p < span; ++p) {
        *pixels++ = pad;
    }
    return pixels;
}

EK_INLINE void ek_depthwise_pieces_s8(const ek_window *w, const ek_depthwise_piece *p,
                                      ek_depthwise_piece_kernel *kernel, const int8_t *pad,
                                      const int8_t *x, int8_t *scratch, int8_t *y)
{
    const size_t over = (uintptr_t)scratch % sizeof(const int8_t *);
    const size_t skipped = over == 0 ? 0 : sizeof(const int8_t *) - over;
    const int8_t **pixels = (const int8_t **)(void *)(scratch + skipped);
    const int32_t pieces = (w->out_w + p->outputs - 1) / p->outputs;
    for (int32_t i = 0; i < w->out_h; ++i) {
        const int32_t oy = ek_turn(w, i, w->out_h);
        for (int32_t j = 0; j < pieces; ++j) {
            const int32_t wanted = ek_turn(w, j, pieces) * p->outputs;
            const int32_t last = w->out_w - p->outputs;
            const int32_t ox = wanted < last ? wanted : last;
            const int8_t **to = pixels;
            for (int32_t ky = 0; ky < w->kernel_h; ++ky) {
                const int32_t iy = oy * w->stride_h - w->pad_top + ky * w->dilation_h;
                const int8_t *row = iy >= 0 && iy < w->in_h ? x + iy * w->in_w * w->in_c : NULL;
                int32_t ix = ox * w->stride_w - w->pad_left;
                for (int32_t part = 0; part < p->parts; ++part) {
                    to = ek_depthwise_point(w, row, ix, p->span, pad, to);
                    ix += p->width * p->dilation;
                }
            }
            kernel(p, pixels, y + (oy * w->out_w + ox) * w->out_c);
        }
    }
}
