/* Products of two int16 tensors, rounded twice and shifted to the right. y may be x or z. */
#include "ek_requant.h"

typedef struct {
    int32_t count;
    int32_t multiplier;
    int32_t half; /* of the unit that shift leaves */
    int32_t shift;
    int32_t low;
} ek_wide_product;

EK_KERNEL void ek_product_s16(const ek_wide_product *args, const int16_t *x, const int16_t *z,
                              int16_t *y)
{
    const ek_wide_product g = *args; /* a copy: stores to y cannot change it */
    for (int32_t i = 0; i < g.count; ++i) {
        const int32_t high = ek_high_mul(x[i] * z[i], g.multiplier);
        const int32_t found = (high + (high >> 31) + g.half) >> g.shift; /* half away from zero */
        y[i] = (int16_t)ek_clamp_i32(found, g.low, 32767);
    }
}
