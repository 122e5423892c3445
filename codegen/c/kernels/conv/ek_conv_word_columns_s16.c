/* Convolution of int16 activations by columns (ek_conv_columns.h) whose taps are expanded to words; those of
 * the four columns alternate. */
#include "ek_conv_columns.h"

EK_KERNEL void ek_column_put_words(int16_t *column, int32_t k, const int16_t *from, int32_t count)
{
    int32_t *to = (int32_t *)(void *)column + k * EK_COLUMNS;
    if (from == NULL) {
        for (; count > 0; --count, to += EK_COLUMNS) {
            *to = 0;
        }
        return;
    }
    for (; count >= 4; count -= 4, to += 4 * EK_COLUMNS, from += 4) {
        to[0] = from[0];
        to[EK_COLUMNS] = from[1];
        to[2 * EK_COLUMNS] = from[2];
        to[3 * EK_COLUMNS] = from[3];
    }
    for (; count > 0; --count, to += EK_COLUMNS) {
        *to = *from++;
    }
}

EK_KERNEL void ek_conv_word_columns_s16(const ek_window *w, const ek_conv_columns *c,
                                        ek_columns_kernel kernel, const int16_t *x,
                                        int16_t *columns, int32_t *sums, int16_t *y)
{
    ek_conv_columns_all(w, c, kernel, ek_column_put_words, 2, x, columns, sums, y);
}
