/* expf and exp2f.
 *
 * x = n ln 2 + r with |r| <= ln 2 / 2 (Cody and Waite: ln 2 in two parts, so that r keeps its low
 * bits), e^r from a minimax polynomial, then scaled by 2^n with one rounding, which lets results
 * fade into subnormal numbers.
 * Error: ek_expf 1.0 ULP, ek_exp2f 1.1 ULP */
#ifndef EK_EXP_F32_H
#define EK_EXP_F32_H

#include "ek_bits_f32.h"

/* x = n ln 2 + r + low. */
typedef struct {
    int32_t n;
    float r;
    float low;
} ek_exp_reduced;

EK_INLINE ek_exp_reduced ek_exp_reduce(float x)
{
    ek_exp_reduced p;
    p.n = ek_nearest(x * 1.44269504f);
    const float high = x - (float)p.n * EK_LN2_HIGH; /* exact */
    const float small = (float)p.n * EK_LN2_LOW;
    p.r = high - small;
    p.low = (high - p.r) - small;
    return p;
}

/* e^r - 1 - r for |r| <= 0.35; error below 2^-26 |r|. */
EK_INLINE float ek_exp_rest(float r)
{
    float p = 1.3941403e-3f;
    p = p * r + 8.36701505e-3f;
    p = p * r + 4.1666396e-2f;
    p = p * r + 0.166665405f;
    p = p * r + 0.5f;
    return p * r * r;
}

/* e^x * 2^shift for shift 0 or -1. */
EK_MATH float ek_exp_scaled(float x, int32_t shift)
{
    if (!(x < 90.0f)) {
        return ek_isnan(x) ? x : EK_INFINITY;
    }
    if (x < -105.0f) {
        return 0.0f;
    }
    const ek_exp_reduced p = ek_exp_reduce(x);
    return ek_scale(1.0f + (p.r + (ek_exp_rest(p.r) + p.low)), p.n + shift);
}

EK_MATH float ek_expf(float x)
{
    return ek_exp_scaled(x, 0);
}

/* 2^(x + low), |low| below 2^-10. */
EK_MATH float ek_exp2_sum(float x, float low)
{
    if (!(x < 129.0f)) {
        return ek_isnan(x) ? x : EK_INFINITY;
    }
    if (x < -151.0f) {
        return 0.0f;
    }
    const int32_t n = ek_nearest(x);
    const float part = x - (float)n; /* exact */
    const float sum = part + low;
    const float r = sum * 0.693147182f;
    const float lost = ((part - sum) + low) * 0.693147182f;
    return ek_scale(1.0f + (r + (ek_exp_rest(r) + lost)), n);
}

EK_MATH float ek_exp2f(float x)
{
    return ek_exp2_sum(x, 0.0f);
}

#endif
