/* float32 as bits: sign, exponent, classes; what the float functions stand on.
 *
 * Every function of this folder takes and gives float32 and uses only its five exact operations
 * (+ - * / and comparison) and integers: no C library, no double, no fused multiply-add (compile
 * with -ffp-contract=off), no table larger than 32 bytes. So the bits of a result are the same on
 * every target, with or without an FPU. Special values follow C99 Annex F; no exception flag is
 * promised. No quotient that matters is subnormal: the software division of some compilers gives 0
 * instead. Where the hardware flushes subnormal numbers to zero, subnormal arguments and results
 * count as zero; all other results stay the same.
 */
#ifndef EK_BITS_F32_H
#define EK_BITS_F32_H

#include "ek_common.h"

/* For functions that are too long to be worth copying to each place of use. */
#define EK_MATH static inline

#define EK_SIGN 0x80000000u
#define EK_LN2_HIGH 0.693145752f /* 15 bits: its product with an exponent is exact */
#define EK_LN2_LOW 1.42860677e-6f

typedef union {
    float value;
    uint32_t bits;
} ek_float_bits;

EK_INLINE uint32_t ek_to_bits(float x)
{
    ek_float_bits u;
    u.value = x;
    return u.bits;
}

EK_INLINE float ek_from_bits(uint32_t bits)
{
    ek_float_bits u;
    u.bits = bits;
    return u.value;
}

EK_INLINE float ek_nan(void)
{
    return ek_from_bits(0x7FC00000u);
}

EK_INLINE int ek_isnan(float x)
{
    return (ek_to_bits(x) & ~EK_SIGN) > 0x7F800000u;
}

EK_INLINE int ek_isinf(float x)
{
    return (ek_to_bits(x) & ~EK_SIGN) == 0x7F800000u;
}

EK_INLINE int ek_signbit(float x)
{
    return (int)(ek_to_bits(x) >> 31);
}

EK_INLINE float ek_fabsf(float x)
{
    return ek_from_bits(ek_to_bits(x) & ~EK_SIGN);
}

/* The magnitude of x with the sign of s. */
EK_INLINE float ek_copysignf(float x, float s)
{
    return ek_from_bits((ek_to_bits(x) & ~EK_SIGN) | (ek_to_bits(s) & EK_SIGN));
}

/* Significand with its leading bit at 2^23, and the exponent field; subnormals are normalised. */
EK_INLINE uint32_t ek_significand(uint32_t bits, int32_t *exponent)
{
    uint32_t digits = bits & 0x7FFFFFu;
    *exponent = (int32_t)(bits >> 23);
    if (*exponent != 0) {
        return digits | 0x800000u;
    }
    for (*exponent = 1; digits < 0x800000u; --*exponent) {
        digits <<= 1;
    }
    return digits;
}

/* 2^n, n in [-126, 127]. */
EK_INLINE float ek_power_of_two(int32_t n)
{
    return ek_from_bits((uint32_t)(n + 127) << 23);
}

/* y * 2^n rounded once, for y of magnitude 2^-50 to 2^50 or 0, and n in [-200, 200]. */
EK_INLINE float ek_scale(float y, int32_t n)
{
    const int32_t half = n / 2;
    return y * ek_power_of_two(half) * ek_power_of_two(n - half);
}

/* The nearest integer of |x| < 2^30 (ties away from zero). */
EK_INLINE int32_t ek_nearest(float x)
{
    return (int32_t)(x + (x < 0.0f ? -0.5f : 0.5f));
}

#endif
