/* truncf, floorf, ceilf, rintf (ties to even) and roundf (ties away from zero): exact.
 * Error: ek_truncf 0 ULP, ek_floorf 0 ULP, ek_ceilf 0 ULP, ek_rintf 0 ULP, ek_roundf 0 ULP */
#ifndef EK_ROUNDING_F32_H
#define EK_ROUNDING_F32_H

#include "ek_bits_f32.h"

EK_INLINE float ek_truncf(float x)
{
    const uint32_t bits = ek_to_bits(x);
    const uint32_t exponent = (bits >> 23) & 0xFFu;
    if (exponent >= 150u) { /* an integer, infinite or NaN */
        return x;
    }
    if (exponent < 127u) {
        return ek_from_bits(bits & EK_SIGN);
    }
    return ek_from_bits(bits & ~(0x7FFFFFu >> (exponent - 127u)));
}

EK_INLINE float ek_floorf(float x)
{
    const float whole = ek_truncf(x);
    return x < whole ? whole - 1.0f : whole;
}

EK_INLINE float ek_ceilf(float x)
{
    const float whole = ek_truncf(x);
    return x > whole ? whole + 1.0f : whole;
}

EK_INLINE float ek_rintf(float x)
{
    const float step = ek_copysignf(8388608.0f, x); /* adding 2^23 leaves no room for fractions */
    if (!(ek_fabsf(x) < 8388608.0f)) {
        return x;
    }
    return ek_copysignf((x + step) - step, x);
}

EK_INLINE float ek_roundf(float x)
{
    const float whole = ek_truncf(x);
    return ek_fabsf(x - whole) >= 0.5f ? whole + ek_copysignf(1.0f, x) : whole;
}

#endif
