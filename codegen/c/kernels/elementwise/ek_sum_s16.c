/* Sum of two int16 tensors of which x has the larger scale (quantize/wide_sum.py). y may be x or z. */
#include "ek_common.h"

typedef struct {
    int32_t count;
    int32_t factor;     /* of x */
    int32_t multiplier; /* of z */
    int32_t half;       /* of the unit that shift leaves */
    int32_t scale;      /* of the sum */
    int32_t out_half;
    int32_t shift, out_shift;
    int32_t once; /* 1: one rounding, half up; 0: two, the second half away from zero */
    int32_t low;
} ek_wide_sum;

/* The high word of a * b, rounded or not, shifted to the right. */
EK_INLINE int32_t ek_wide_shifted(int32_t a, int32_t b, int64_t rounding, int32_t away,
                                  int32_t half, int32_t shift)
{
    const int32_t high = (int32_t)(((int64_t)a * b + rounding) >> 32);
    return (high + ((high >> 31) & away) + half) >> shift;
}

EK_KERNEL void ek_sum_s16(const ek_wide_sum *args, const int16_t *x, const int16_t *z, int16_t *y)
{
    const ek_wide_sum g = *args; /* a copy: stores to y cannot change it */
    const int64_t unit = INT64_C(1) << 31;
    const int64_t rounding = g.once && g.shift > 0 ? 0 : unit, out_rounding = g.once ? 0 : unit;
    const int32_t away = g.once || g.shift == 0 ? 0 : -1, out_away = g.once ? 0 : -1;
    const int32_t twice = g.once ? 1 : 2;
    for (int32_t i = 0; i < g.count; ++i) {
        const int32_t sum = x[i] * g.factor + ek_wide_shifted(z[i] * 65536, g.multiplier, rounding,
                                                              away, g.half, g.shift);
        const int32_t found = ek_wide_shifted(sum * twice, g.scale, out_rounding, out_away,
                                              g.out_half, g.out_shift);
        y[i] = (int16_t)ek_clamp_i32(found, g.low, 32767);
    }
}
