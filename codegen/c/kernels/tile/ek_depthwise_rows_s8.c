/* int8 depthwise convolution, 3x3, one filter per channel, padding of at most one on each side: row
 * by row, some pixels at a time. A last tile that would reach beyond its row is moved to the left
 * and computes some pixels again. */
#include "ek_depthwise_row.h"

EK_KERNEL void ek_depthwise_rows_s8(const ek_window *w, const ek_depthwise_row *r,
                                    ek_row_kernel kernel, const int8_t *x, int8_t *y)
{
    const int32_t columns = (r->pixels - 1) * r->stride + 3;
    for (int32_t i = 0; i < w->out_h; ++i) {
        const int32_t oy = ek_turn(w, i, w->out_h);
        const int32_t top = oy * w->stride_h - w->pad_top;
        const uint32_t rows = (top < 0 ? EK_ROW_NO_TOP : 0u) |
                              (top + 3 > w->in_h ? EK_ROW_NO_BOTTOM : 0u);
        for (int32_t begin = 0; begin < w->out_w; begin += r->pixels) {
            const int32_t ox = begin + r->pixels > w->out_w ? w->out_w - r->pixels : begin;
            const int32_t left = ox * r->stride - w->pad_left;
            const uint32_t inside = rows | (left >= 0 ? EK_ROW_LEFT : 0u) |
                                    (left + columns <= w->in_w ? EK_ROW_RIGHT : 0u);
            kernel(r, x + (top * w->in_w + left) * w->in_c,
                   y + (oy * w->out_w + ox) * w->out_c, inside);
        }
    }
}
