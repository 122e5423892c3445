/* Convolution of int16 activations by columns (ek_conv_columns.h) whose taps alternate in pairs. */
#include "ek_conv_columns.h"

EK_INLINE void ek_copy_pair(const int16_t *from, int16_t *to)
{
#if defined(__GNUC__)
    __builtin_memcpy(to, from, 4); /* one load and one store where halfwords may lie anywhere */
#else
    to[0] = from[0];
    to[1] = from[1];
#endif
}

/* Pairs of taps of the four columns in turn. */
EK_KERNEL void ek_column_put_pairs(int16_t *column, int32_t k, const int16_t *from, int32_t count)
{
    static const int16_t zeros[2] = {0, 0};
    const int32_t step = from == NULL ? 0 : 1;
    const int16_t *src = from == NULL ? zeros : from;
    int16_t *to = column + (k >> 1) * (2 * EK_COLUMNS);
    if ((k & 1) != 0 && count > 0) {
        to[1] = *src;
        src += step;
        to += 2 * EK_COLUMNS;
        --count;
    }
    for (; count >= 8; count -= 8, to += 8 * EK_COLUMNS, src += 8 * step) {
        ek_copy_pair(src, to);
        ek_copy_pair(src + 2 * step, to + 2 * EK_COLUMNS);
        ek_copy_pair(src + 4 * step, to + 4 * EK_COLUMNS);
        ek_copy_pair(src + 6 * step, to + 6 * EK_COLUMNS);
    }
    for (; count >= 2; count -= 2, to += 2 * EK_COLUMNS, src += 2 * step) {
        ek_copy_pair(src, to);
    }
    if (count > 0) {
        to[0] = *src;
    }
}

EK_KERNEL void ek_conv_columns_s16(const ek_window *w, const ek_conv_columns *c,
                                   ek_columns_kernel kernel, const int16_t *x, int16_t *columns,
                                   int32_t *sums, int16_t *y)
{
    ek_conv_columns_all(w, c, kernel, ek_column_put_pairs, 2, x, columns, sums, y);
}
