/* int16 depthwise convolution with 3x3 windows, NHWC: calls `multiply` for each row of outputs. */
#include "ek_depthwise_line.h"

EK_KERNEL void ek_depthwise_lines_s16(ek_depthwise_line_multiply *multiply, const ek_window *w,
                                      const ek_depthwise_line *a, const int16_t *x, int16_t *y)
{
    for (int32_t i = 0; i < w->out_h; ++i) {
        const int32_t oy = ek_turn(w, i, w->out_h);
        const int32_t top = oy * w->stride_h - w->pad_top;
        const int32_t edge = top < 0 ? 1 : top + 3 > w->in_h ? 2 : 0;
        const int32_t first = ek_clamp_i32(top, 0, w->in_h - 3);
        multiply(a, x + first * w->in_w * w->in_c, y + oy * w->out_w * w->out_c, edge);
    }
}
