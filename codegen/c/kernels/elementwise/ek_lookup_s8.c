/* Any function of one int8 element: a table of 256, indexed by x + 128. */
#include "ek_common.h"

EK_KERNEL void ek_lookup_s8(int32_t size, const int8_t *table, const int8_t *x, int8_t *y)
{
    for (int32_t i = 0; i < size; ++i) {
        y[i] = table[x[i] + 128];
    }
}
