/* int16 depthwise convolution with any window, NHWC: calls `multiply` for each pixel. */
#include "ek_depthwise_pixel.h"

/* Of taps at, at + step, ...: how many lie before the input. */
EK_INLINE int32_t ek_taps_before(int32_t at, int32_t step, int32_t taps)
{
    return at >= 0 ? 0 : ek_clamp_i32((step - 1 - at) / step, 0, taps);
}

/* How many lie before its end. */
EK_INLINE int32_t ek_taps_until(int32_t at, int32_t step, int32_t taps, int32_t size)
{
    return at >= size ? 0 : ek_clamp_i32((size - at + step - 1) / step, 0, taps);
}

EK_KERNEL void ek_depthwise_pixels_s16(ek_depthwise_channels *multiply, const ek_window *w,
                                       const ek_depthwise_pixels *a, const int16_t *x, int16_t *y)
{
    const int32_t dy = w->dilation_h, dx = w->dilation_w, row = dy * w->in_w * w->in_c;
    const int32_t pixels = w->out_h * w->out_w;
    for (int32_t i = 0; i < pixels; ++i) {
        const int32_t pixel = ek_turn(w, i, pixels);
        const int32_t iy = pixel / w->out_w * w->stride_h - w->pad_top;
        const int32_t ix = pixel % w->out_w * w->stride_w - w->pad_left;
        const int32_t top = ek_taps_before(iy, dy, w->kernel_h);
        const int32_t left = ek_taps_before(ix, dx, w->kernel_w);
        const int32_t right = ek_taps_until(ix, dx, w->kernel_w, w->in_w);
        const int32_t bottom = ek_taps_until(iy, dy, w->kernel_h, w->in_h);
        const int32_t column = dx * w->in_c, columns = right - left;
        const int32_t rows = columns > 0 && bottom > top ? bottom - top : 0;
        const int32_t first = top * w->kernel_w + left;
        const ek_depthwise_taps t = {
            .rows = w->kernel_w > 1 || rows == 0 ? rows : 1, /* a column of taps is one row */
            .columns = w->kernel_w > 1 ? columns : rows,
            .column = 2 * (w->kernel_w > 1 ? column : row),
            .first = 4 * first,
            .row = 2 * (row - columns * column),
            .skipped = 4 * (w->kernel_w - columns),
            .rest = 4 * (w->kernel_h * w->kernel_w - first - rows * w->kernel_w),
        };
        const int32_t from = rows == 0 ? 0 : (iy + top * dy) * w->in_w + ix + left * dx;
        multiply(a, x + from * w->in_c, y + pixel * w->out_c, &t);
    }
}
