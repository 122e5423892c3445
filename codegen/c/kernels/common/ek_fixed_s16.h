/* Logistic function and hyperbolic tangent of int16 fixed-point numbers: gemmlowp's recipes, to the
 * last bit. Qa.b has a integer and b fraction bits. */
#ifndef EK_FIXED_S16_H
#define EK_FIXED_S16_H

#include "ek_requant.h"

EK_INLINE int32_t ek_saturate_s16(int32_t x)
{
    return ek_clamp_i32(x, -32768, 32767);
}

/* a * b / 2^15, half up. */
EK_INLINE int32_t ek_high_mul_s16(int32_t a, int32_t b)
{
    const int32_t y = (a * b + (1 << 14)) >> 15;
    return y > 32767 ? 32767 : y;
}

/* exp on [-1/4, 0) in Q0.15, by its Taylor polynomial around -1/8. */
EK_INLINE int32_t ek_exp_near_zero_s16(int32_t a)
{
    const int32_t x = a + (1 << 12);
    const int32_t x2 = ek_high_mul_s16(x, x);
    const int32_t x3 = ek_high_mul_s16(x2, x);
    const int32_t x4 = ek_high_mul_s16(x2, x2);
    const int32_t inner = ek_high_mul_s16(ek_round_shift(x4, 2) + x3, 10923);
    const int32_t tail = ek_round_shift(inner + x2, 1);
    return ek_saturate_s16(28918 + ek_high_mul_s16(x + tail, 28918));
}

/* exp of a <= 0 with integer_bits as Q0.15. */
static int32_t ek_exp_s16(int32_t a, int32_t integer_bits)
{
    /* exp(-2^e) for e = -2, -1, ..., 4 in Q0.15 */
    static const int16_t factors[7] = {25520, 19875, 12055, 4435, 600, 11, 0};
    const int32_t fraction = 15 - integer_bits;
    const int32_t quarter = 1 << (fraction - 2);
    const int32_t rest = (a & (quarter - 1)) - quarter;
    const int32_t remainder = rest - a;
    int32_t y = ek_exp_near_zero_s16(rest * (1 << integer_bits));
    for (int32_t i = 0; i < 7 && i - 2 < integer_bits; ++i) {
        if (remainder & (1 << (fraction + i - 2))) {
            y = ek_high_mul_s16(y, factors[i]);
        }
    }
    if (integer_bits > 5 && a < -(32 << fraction)) {
        y = 0;
    }
    return a == 0 ? 32767 : y;
}

/* 2 / (1 + x) of x in Q0.15 as Q2.13, by three Newton steps. */
EK_INLINE int32_t ek_reciprocal_s16(int32_t x)
{
    const int32_t half = (x + 32768) >> 1;
    int32_t y = 23130 + ek_high_mul_s16(half, -15420);
    for (int32_t i = 0; i < 3; ++i) {
        const int32_t error = (1 << 13) - ek_high_mul_s16(half, y);
        y += ek_saturate_s16(ek_high_mul_s16(y, error) * 4);
    }
    return y;
}

/* Q3.12 to Q0.15. */
static int32_t ek_logistic_s16(int32_t x)
{
    const int32_t y = ek_saturate_s16(ek_reciprocal_s16(ek_exp_s16(x < 0 ? x : -x, 3)) * 2);
    return x == 0 ? 1 << 14 : (x > 0 ? y : 32767 - y);
}

/* A number with integer_bits to Q0.15. */
static int32_t ek_tanh_s16(int32_t x, int32_t integer_bits)
{
    const int32_t power = ek_exp_s16(x < 0 ? x : -x, integer_bits + 1);
    const int32_t y = ek_saturate_s16((ek_reciprocal_s16(power) - (1 << 13)) * 4);
    return x == 0 ? 0 : (x > 0 ? y : -y);
}

#endif
