/* One filter at a time, its weights with 128 added, its scale in two parts, as on Armv6-M. */
#include "ek_word_columns.h"

EK_KERNEL void ek_word_column_s16(const ek_columns *a, const int16_t *x, int16_t *y)
{
    ek_word_columns(a, x, y, 1, 128, 1);
}
