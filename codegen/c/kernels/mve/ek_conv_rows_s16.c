/* Convolution of int16 activations by columns (ek_conv_columns.h) that lie one behind the other. */
#include "ek_conv_columns.h"

EK_KERNEL void ek_column_put_row(int16_t *column, int32_t k, const int16_t *from, int32_t count)
{
    int16_t *to = column + k;
    if (from == NULL) {
        for (int32_t i = 0; i < count; ++i) {
            to[i] = 0;
        }
        return;
    }
#if defined(__GNUC__)
    for (; count >= 8; count -= 8, to += 8, from += 8) {
        __builtin_memcpy(to, from, 16); /* by words: compilers make halfwords of the plain loop */
    }
#endif
    for (int32_t i = 0; i < count; ++i) {
        to[i] = from[i];
    }
}

/* taps: of a part, up to the next multiple of eight */
EK_KERNEL void ek_conv_rows_s16(const ek_window *w, const ek_conv_columns *c,
                                ek_columns_kernel kernel, int32_t taps, const int16_t *x,
                                int16_t *columns, int32_t *sums, int16_t *y)
{
    ek_conv_columns_all(w, c, kernel, ek_column_put_row, taps, x, columns, sums, y);
}
