/* Logistic function and hyperbolic tangent of int16 fixed-point numbers: gemmlowp's recipes, to the
 * last bit. Qa.b has a integer and b fraction bits. Most of the recipes' saturations never happen on
 * the numbers that meet them and are left out; a test compares every argument. */
#ifndef EK_FIXED_S16_H
#define EK_FIXED_S16_H

#include "ek_requant.h"

EK_INLINE int32_t ek_saturate_s16(int32_t x)
{
    return ek_clamp_i32(x, -32768, 32767);
}

/* a * b / 2^15, half up; not both are -32768. half is 2^14: with it in a register, cores multiply and
 * add in one instruction. */
EK_INLINE int32_t ek_high_mul_s16(int32_t a, int32_t b, int32_t half)
{
    return (a * b + half) >> 15;
}

/* exp on [-1/4, 0) in Q0.15, by its Taylor polynomial around -1/8. */
EK_INLINE int32_t ek_exp_near_zero_s16(int32_t a, int32_t half)
{
    const int32_t x = a + (1 << 12);
    const int32_t x2 = ek_high_mul_s16(x, x, half);
    const int32_t x3 = ek_high_mul_s16(x2, x, half);
    const int32_t x4 = ek_high_mul_s16(x2, x2, half);
    const int32_t inner = ek_high_mul_s16(((x4 + 2) >> 2) + x3, 10923, half);
    const int32_t tail = (inner + x2 + 1) >> 1; /* not negative, so half up is away from zero */
    return 28918 + ek_high_mul_s16(x + tail, 28918, half);
}

/* exp of a < 0 with integer_bits, at most 7, as Q0.15. */
EK_INLINE int32_t ek_exp_s16(int32_t a, int32_t integer_bits, int32_t half)
{
    const int32_t bits = 13 - integer_bits; /* of the fraction of a quarter */
    const int32_t rest = (a & ((1 << bits) - 1)) - (1 << bits);
    const int32_t quarters = (rest - a) >> bits;
    int32_t y = ek_exp_near_zero_s16(rest * (1 << integer_bits), half);
    /* exp(-2^e) for e = -2, -1, ..., 3 in Q0.15; that of e = 4 is 0. */
    y = quarters & 1 ? ek_high_mul_s16(y, 25520, half) : y;
    y = quarters & 2 ? ek_high_mul_s16(y, 19875, half) : y;
    y = quarters & 4 ? ek_high_mul_s16(y, 12055, half) : y;
    y = quarters & 8 ? ek_high_mul_s16(y, 4435, half) : y;
    y = quarters & 16 ? ek_high_mul_s16(y, 600, half) : y;
    y = quarters & 32 ? ek_high_mul_s16(y, 11, half) : y;
    return quarters < 64 ? y : 0;
}

/* One Newton step towards y = 1 / d, d in Q0.15 and y in Q2.13. */
EK_INLINE int32_t ek_newton_s16(int32_t d, int32_t y, int32_t half)
{
    const int32_t error = (1 << 13) - ek_high_mul_s16(d, y, half);
    return y + ek_high_mul_s16(y, error, half) * 4;
}

/* 2 / (1 + x) of x in Q0.15 as Q2.13. */
EK_INLINE int32_t ek_reciprocal_s16(int32_t x, int32_t half)
{
    const int32_t d = (x + 32768) >> 1;
    const int32_t first = ek_newton_s16(d, 23130 + ek_high_mul_s16(d, -15420, half), half);
    return ek_newton_s16(d, ek_newton_s16(d, first, half), half);
}

/* Q3.12 to Q0.15. */
EK_KERNEL int32_t ek_fixed_logistic_s16(int32_t x)
{
    if (x == 0) {
        return 1 << 14;
    }
    const int32_t half = ek_in_register(1 << 14);
    const int32_t power = ek_exp_s16(x < 0 ? x : -x, 3, half);
    const int32_t y = ek_reciprocal_s16(power, half) * 2;
    const int32_t found = y > 32767 ? 32767 : y;
    return x > 0 ? found : 32767 - found;
}

/* A number with integer_bits, at most 6, to Q0.15. */
EK_KERNEL int32_t ek_fixed_tanh_s16(int32_t x, int32_t integer_bits)
{
    if (x == 0) {
        return 0;
    }
    const int32_t half = ek_in_register(1 << 14);
    const int32_t power = ek_exp_s16(x < 0 ? x : -x, integer_bits + 1, half);
    const int32_t y = (ek_reciprocal_s16(power, half) - (1 << 13)) * 4;
    const int32_t found = y > 32767 ? 32767 : y;
    return x > 0 ? found : -found;
}

#endif
