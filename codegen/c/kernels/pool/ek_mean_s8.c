/* int8 mean over the middle axis of an outer x count x inner tensor. The division by `count` is
 * part of the requantization's scale. */
#include "ek_requant.h"

EK_INLINE void ek_mean_s8(int32_t outer, int32_t count, int32_t inner, int32_t x_zero,
                          const ek_requant *q, const int8_t *x, int8_t *y, int rule)
{
    for (int32_t o = 0; o < outer; ++o) {
        for (int32_t i = 0; i < inner; ++i) {
            int32_t sum = 0;
            for (int32_t n = 0; n < count; ++n) {
                sum += x[n * inner + i] - x_zero;
            }
            *y++ = ek_requantize(sum, q, 0, rule);
        }
        x += count * inner;
    }
}
