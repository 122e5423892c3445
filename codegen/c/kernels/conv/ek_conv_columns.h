/* Convolution of int16 activations without groups, NHWC, zero point 0: copies the windows of four
 * pixels, or a part of their taps, and hands them to a kernel for all filters.
 *
 * weights  part by part, see ek_columns
 * columns  4 x taps of a part, up to the next multiple of eight
 * sums     4 x filters where there are several parts, else NULL
 */
#ifndef EK_CONV_COLUMNS_H
#define EK_CONV_COLUMNS_H

#include "ek_columns_s16.h"

typedef struct {
    const int32_t *weights;
    int32_t rows, piece; /* kernel rows of a part, and values of each row */
    int32_t filters;     /* that the kernel computes */
    int32_t again;       /* then the last so many once more, with those that are left: 0, 2 or 4 */
    int32_t group_bytes; /* code of the products of eight taps */
    int32_t low;
} ek_conv_columns;

/* Writes values from tap k on into a column; from NULL: zeros. */
typedef void (*ek_column_put)(int16_t *column, int32_t k, const int16_t *from, int32_t count);

/* One row of a window, which begins `first` values after the row of the image and reaches over its
 * ends, from tap k on. */
EK_INLINE void ek_column_border(ek_column_put put, const int16_t *row, int32_t width, int32_t first, int32_t length,
                                int32_t k, int16_t *column)
{
    const int32_t from = ek_clamp_i32(-first, 0, length);
    const int32_t to = ek_clamp_i32(width - first, from, length);
    put(column, k, NULL, from);
    put(column, k + from, row + first + from, to - from);
    put(column, k + to, NULL, length - to);
}

/* Some rows of the window at (top, left), `length` values of each from `begin` on; zeros outside the
 * image and behind the last tap. */
EK_INLINE void ek_column_fill(ek_column_put put, const ek_window *w, const int16_t *x, int32_t top, int32_t left,
                              int32_t rows, int32_t begin, int32_t length, int16_t *column)
{
    const int32_t first = left * w->in_c + begin; /* counted from the row's first value */
    const int32_t width = w->in_w * w->in_c;
    const int is_inside = first >= 0 && first + length <= width;
    int32_t k = 0;
    for (int32_t row = 0; row < rows; ++row, k += length) {
        const int32_t iy = top + row * w->dilation_h;
        if (iy < 0 || iy >= w->in_h) {
            put(column, k, NULL, length);
        } else if (is_inside) {
            put(column, k, x + iy * width + first, length);
        } else {
            ek_column_border(put, x + iy * width, width, first, length, k, column);
        }
    }
    if ((k & 7) != 0) {
        put(column, k, NULL, 8 - (k & 7));
    }
}

/* All taps of the pixels from `first` on. */
EK_INLINE void ek_conv_columns_tile(const ek_window *w, const ek_conv_columns *c,
                                    ek_columns_kernel kernel, ek_column_put put, int32_t distance,
                                    int32_t first, const int16_t *x, int16_t *columns,
                                    int32_t *sums, int16_t *y)
{
    const int32_t last = w->out_h * w->out_w - 1;
    const int32_t width = w->kernel_w * w->in_c;
    int32_t top[EK_COLUMNS], left[EK_COLUMNS], next[EK_COLUMNS];
    for (int32_t p = 0; p < EK_COLUMNS; ++p) {
        const int32_t pixel = first + p < last ? first + p : last;
        const int32_t oy = pixel / w->out_w;
        top[p] = oy * w->stride_h - w->pad_top;
        left[p] = (pixel - oy * w->out_w) * w->stride_w - w->pad_left;
        next[p] = (pixel - first) * w->out_c;
    }
    ek_columns a = {c->weights, NULL, 0, next[1], next[2], next[3], NULL, NULL, 0, c->low,
                    distance};
    for (int32_t ky = 0; ky < w->kernel_h; ky += c->rows) {
        const int32_t rows = w->kernel_h - ky < c->rows ? w->kernel_h - ky : c->rows;
        for (int32_t begin = 0; begin < width; begin += c->piece) {
            const int32_t length = width - begin < c->piece ? width - begin : c->piece;
            for (int32_t p = 0; p < EK_COLUMNS; ++p) {
                ek_column_fill(put, w, x, top[p] + ky * w->dilation_h, left[p], rows, begin, length,
                               columns + p * distance);
            }
            const int is_last = ky + rows >= w->kernel_h && begin + length >= width;
            a.groups = (rows * length + 7) / 8;
            a.entry = ((a.groups - 1) % 4 + 1) * c->group_bytes;
            const int32_t words = 2 * a.groups + (a.from == NULL ? 1 : 0) + (is_last ? 1 : 0);
            a.to = is_last ? NULL : sums;
            a.end = a.weights + c->filters * words;
            kernel(&a, columns, y);
            if (c->again != 0) {
                a.weights = a.end;
                a.end += c->again * words;
                a.from = a.from == NULL ? NULL : sums + EK_COLUMNS * c->filters;
                a.to = is_last ? NULL : sums + EK_COLUMNS * c->filters;
                kernel(&a, columns, y + w->out_c - c->again);
            }
            a.weights = a.end;
            a.from = sums;
        }
    }
}

EK_INLINE void ek_conv_columns_all(const ek_window *w, const ek_conv_columns *c,
                                   ek_columns_kernel kernel, ek_column_put put, int32_t distance,
                                   const int16_t *x, int16_t *columns, int32_t *sums, int16_t *y)
{
    const int32_t pixels = w->out_h * w->out_w;
    const int32_t last = (pixels - 1) / EK_COLUMNS * EK_COLUMNS;
    for (int32_t n = 0; n < pixels; n += EK_COLUMNS) {
        const int32_t first = w->backward ? last - n : n;
        ek_conv_columns_tile(w, c, kernel, put, distance, first, x, columns, sums,
                             y + first * w->out_c);
    }
}

#endif
