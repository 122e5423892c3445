/* logf. log(0) is -infinity, of negative numbers NaN.
 *
 * x = 2^k (1 + f) with 1 + f in [sqrt(1/2), sqrt(2)); log(1 + f) = 2 atanh(s), s = f / (2 + f),
 * written as f - (f^2/2 - s (f^2/2 + R(s^2))) so that the leading terms are exact.
 * Error: ek_logf 0.9 ULP */
#ifndef EK_LOG_F32_H
#define EK_LOG_F32_H

#include "ek_bits_f32.h"

/* Significand 1 + f and exponent k of x > 0. */
EK_INLINE float ek_log_reduce(float x, int32_t *k)
{
    const int subnormal = x < 1.17549435e-38f;
    const uint32_t bits = ek_to_bits(subnormal ? x * 33554432.0f : x) + 0x3F800000u - 0x3F3504F3u;
    *k = (int32_t)(bits >> 23) - 127 - (subnormal ? 25 : 0);
    return ek_from_bits((bits & 0x7FFFFFu) + 0x3F3504F3u);
}

/* log(1 + f) - f + f^2/2 for f in [sqrt(1/2) - 1, sqrt(2) - 1]. */
EK_INLINE float ek_log_rest(float f)
{
    const float s = f / (2.0f + f);
    const float z = s * s;
    const float p = ((0.242785469f * z + 0.284987986f) * z + 0.400009722f) * z + 0.666666627f;
    return s * (0.5f * f * f + z * p);
}

/* k ln 2 + log(1 + f) + low. */
EK_INLINE float ek_log_sum(float f, int32_t k, float low)
{
    const float small = ek_log_rest(f) + ((float)k * EK_LN2_LOW + low);
    return (float)k * EK_LN2_HIGH - ((0.5f * f * f - small) - f);
}

/* log(x * 2^shift). */
EK_MATH float ek_log_scaled(float x, int32_t shift)
{
    if (!(x > 0.0f) || ek_isinf(x)) {
        return x > 0.0f || ek_isnan(x) ? x : (x == 0.0f ? -EK_INFINITY : ek_nan());
    }
    int32_t k;
    const float m = ek_log_reduce(x, &k);
    return ek_log_sum(m - 1.0f, k + shift, 0.0f);
}

EK_MATH float ek_logf(float x)
{
    return ek_log_scaled(x, 0);
}

#endif
