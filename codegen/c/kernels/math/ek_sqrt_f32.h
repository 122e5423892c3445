/* sqrtf: correctly rounded. One instruction where an Arm core has an FPU, else one bit of the root
 * a step. sqrt(-0) is -0, of negative numbers NaN.
 * Error: ek_sqrtf 0.5 ULP */
#ifndef EK_SQRT_F32_H
#define EK_SQRT_F32_H

#include "ek_bits_f32.h"

EK_MATH float ek_sqrtf(float x)
{
#if defined(__GNUC__) && defined(__ARM_FP) && !defined(__aarch64__)
    float y;
    __asm__("vsqrt.f32 %0, %1" : "=t"(y) : "t"(x)); /* the builtin may call sqrtf for errno */
    return y;
#else
    const uint32_t bits = ek_to_bits(x);
    if ((bits & ~EK_SIGN) == 0 || (bits & ~EK_SIGN) > 0x7F800000u || bits == 0x7F800000u) {
        return x;
    }
    if ((bits & EK_SIGN) != 0) {
        return ek_nan();
    }
    int32_t exponent;
    uint32_t rest = ek_significand(bits, &exponent);
    exponent += 127; /* half of it is the field of the root */
    rest <<= (exponent & 1) != 0 ? 2 : 1;
    uint32_t root = 0; /* one bit more than a float has, so that it can be rounded */
    uint32_t twice = 0;
    for (uint32_t bit = 1u << 24; bit != 0; bit >>= 1) {
        if (twice + bit <= rest) {
            twice += bit;
            rest -= twice;
            twice += bit;
            root += bit;
        }
        rest <<= 1;
    }
    root += rest != 0 ? root & 1u : 0u;
    return ek_from_bits((root >> 1) - 0x800000u + ((uint32_t)(exponent >> 1) << 23));
#endif
}

#endif
