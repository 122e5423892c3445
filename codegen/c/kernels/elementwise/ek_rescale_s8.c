/* int8 from one scale and zero point to another. */
#include "ek_requant.h"

EK_INLINE void ek_rescale_s8(int32_t size, int32_t x_zero, const ek_requant *q, const int8_t *x,
                             int8_t *y, int rule)
{
    for (int32_t i = 0; i < size; ++i) {
        y[i] = ek_requantize(x[i] - x_zero, q, 0, rule);
    }
}
