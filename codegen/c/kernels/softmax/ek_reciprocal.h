/* Reciprocal of the sum of a softmax in fixed point, as the TFLite reference kernel computes it. */
#ifndef EK_RECIPROCAL_H
#define EK_RECIPROCAL_H

#include "ek_requant.h"

EK_INLINE int32_t ek_saturating_left(int32_t x, int32_t bits)
{
    const int32_t limit = INT32_MAX >> bits;
    if (x > limit) {
        return INT32_MAX;
    }
    if (x < -limit - 1) {
        return INT32_MIN;
    }
    return (int32_t)((uint32_t)x << bits);
}

/* 1 / (1 + a) for a in [0, 1), Q0.31 to Q0.31. */
EK_INLINE int32_t ek_reciprocal(int32_t a)
{
    /* Newton-Raphson on half the denominator, in Q2.29. */
    const int32_t half = (int32_t)(((int64_t)a + INT32_MAX + 1) / 2);
    int32_t x = 1515870810 + ek_high_mul(half, -1010580540); /* 48/17 - 32/17 * half */
    for (int32_t i = 0; i < 3; ++i) {
        const int32_t error = (1 << 29) - ek_high_mul(half, x);
        x += ek_saturating_left(ek_high_mul(x, error), 2);
    }
    return ek_saturating_left(x, 1);
}

EK_INLINE int32_t ek_leading_zeros(uint32_t x)
{
    int32_t count = 0;
    while (count < 32 && (x & UINT32_C(0x80000000)) == 0) {
        x <<= 1;
        ++count;
    }
    return count;
}

#endif
