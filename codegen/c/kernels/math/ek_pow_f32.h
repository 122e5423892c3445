/* powf, with all special cases of C99 Annex F.
 *
 * 2^(y log2 x): the logarithm has about 36 good bits, as a pair, since an exponent of up to 150
 * stands for 8 bits before the point.
 * Error: ek_powf 1.2 ULP */
#ifndef EK_POW_F32_H
#define EK_POW_F32_H

#include "ek_exp_f32.h"
#include "ek_log_f32.h"
#include "ek_pair_f32.h"

/* 0: y is no integer, 1: odd, 2: even (as are infinities). */
EK_INLINE int ek_parity(float y)
{
    const uint32_t bits = ek_to_bits(y) & ~EK_SIGN;
    const uint32_t exponent = bits >> 23;
    if (exponent >= 151u || bits == 0) {
        return 2;
    }
    if (exponent < 127u) {
        return 0;
    }
    const uint32_t digits = (bits & 0x7FFFFFu) | 0x800000u;
    const uint32_t unit = 1u << (150u - exponent);
    if ((digits & (unit - 1u)) != 0) {
        return 0;
    }
    return (digits & unit) != 0 ? 1 : 2;
}

/* log2(x) for finite x > 0: k + (2 / ln 2) (s + s^3 (1/3 + s^2 T(s^2))), s = f / (2 + f). */
EK_INLINE ek_pair ek_log2_pair(float x)
{
    static const ek_pair third = {0.333333343f, -9.93410776e-9f};
    static const ek_pair factor = {2.88539004f, 3.85192607e-8f};
    int32_t k;
    const float f = ek_log_reduce(x, &k) - 1.0f;
    const ek_pair s = ek_pair_quotient(f, ek_pair_sum(2.0f, f));
    const ek_pair z = ek_pair_product(s, s);
    const float t = (0.117101952f * z.high + 0.142735362f) * z.high + 0.200000763f;
    const ek_pair a = ek_pair_sum(third.high, third.low + z.high * t);
    const ek_pair cubic = ek_pair_product(s, ek_pair_product(z, a));
    ek_pair sum = ek_pair_sum(s.high, cubic.high);
    sum.low += s.low + cubic.low;
    const ek_pair part = ek_pair_product(sum, factor);
    const ek_pair whole = ek_pair_sum((float)k, part.high);
    return ek_pair_sum(whole.high, whole.low + part.low);
}

/* pow for x infinite or 0, or y infinite; x >= 0. */
EK_INLINE float ek_pow_limit(float x, float y)
{
    if (x == 1.0f) {
        return 1.0f;
    }
    return (x > 1.0f) == (y > 0.0f) ? EK_INFINITY : 0.0f;
}

EK_MATH float ek_powf(float x, float y)
{
    const float magnitude = ek_fabsf(x);
    const int parity = ek_parity(y);
    if (y == 0.0f || x == 1.0f) {
        return 1.0f;
    }
    if (ek_isnan(x) || ek_isnan(y)) {
        return ek_nan();
    }
    const float sign = ek_signbit(x) && parity == 1 ? -1.0f : 1.0f;
    if (magnitude == 0.0f || ek_isinf(x) || ek_isinf(y)) {
        return sign * ek_pow_limit(magnitude, y);
    }
    if (x < 0.0f && parity == 0) {
        return ek_nan();
    }
    const ek_pair log2 = ek_log2_pair(magnitude);
    /* Beyond 2^32 every power of x != 1 is 0 or infinite. */
    const float bounded = ek_clamp_f32(y, -4294967296.0f, 4294967296.0f);
    const ek_pair exponent = ek_pair_exact_product(bounded, log2.high);
    return sign * ek_exp2_sum(exponent.high, exponent.low + bounded * log2.low);
}

#endif
