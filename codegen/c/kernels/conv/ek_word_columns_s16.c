/* Two filters at a time, their bytes in turn, as on Armv7-M. */
#include "ek_word_columns.h"

EK_KERNEL void ek_word_columns_s16(const ek_columns *a, const int16_t *x, int16_t *y)
{
    ek_word_columns(a, x, y, 2, 0, 0);
}
