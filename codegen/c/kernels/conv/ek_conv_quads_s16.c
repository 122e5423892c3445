/* Convolution of int16 activations by columns (ek_conv_columns.h) whose taps come in turn. */
#include "ek_conv_columns.h"

EK_KERNEL void ek_column_put_taps(int16_t *column, int32_t k, const int16_t *from, int32_t count)
{
    static const int16_t zero = 0;
    const int32_t step = from == NULL ? 0 : 1;
    const int16_t *src = from == NULL ? &zero : from;
    int16_t *to = column + EK_COLUMNS * k;
    for (; count >= 4; count -= 4, to += 4 * EK_COLUMNS, src += 4 * step) {
        to[0] = src[0];
        to[EK_COLUMNS] = src[step];
        to[2 * EK_COLUMNS] = src[2 * step];
        to[3 * EK_COLUMNS] = src[3 * step];
    }
    for (; count > 0; --count, to += EK_COLUMNS, src += step) {
        *to = *src;
    }
}

EK_KERNEL void ek_conv_quads_s16(const ek_window *w, const ek_conv_columns *c,
                                 ek_columns_kernel kernel, const int16_t *x, int16_t *columns,
                                 int32_t *sums, int16_t *y)
{
    ek_conv_columns_all(w, c, kernel, ek_column_put_taps, 1, x, columns, sums, y);
}
