/* Any function of one int8 element: a table of 256, indexed by x + 128. */
#include "ek_common.h"

EK_KERNEL void ek_lookup_s8(int32_t size, const int8_t *table, const int8_t *x, int8_t *y)
{
    const int8_t *middle = table + 128;
#if EK_UNROLL
    for (int32_t n = size >> 2; n > 0; --n) {
        const int8_t y0 = middle[x[0]];
        const int8_t y1 = middle[x[1]];
        const int8_t y2 = middle[x[2]];
        const int8_t y3 = middle[x[3]];
        y[0] = y0;
        y[1] = y1;
        y[2] = y2;
        y[3] = y3;
        x += 4;
        y += 4;
    }
    size &= 3;
#endif
    for (int32_t i = 0; i < size; ++i) {
        y[i] = middle[x[i]];
    }
}
