/* TFLite's 16-bit requantization by the high word of one product (quantize/narrow_form.py). */
#ifndef EK_NARROW_H
#define EK_NARROW_H

#include "ek_common.h"

/* The high word of a * b, rounded; b is not negative. Armv6-M has no product of 64 bits, but four of
 * halfwords: each of these sums stays inside 32 bits. */
EK_INLINE int32_t ek_narrow_high(int32_t a, int32_t b)
{
#if defined(__ARM_ARCH_6M__)
    const int32_t a0 = a & 0xffff, a1 = a >> 16, b0 = b & 0xffff, b1 = b >> 16;
    const int32_t middle = a1 * b0 + (int32_t)((uint32_t)a0 * (uint32_t)b0 >> 16);
    const uint32_t low = (uint32_t)a0 * (uint32_t)b1 + (uint32_t)(middle & 0xffff) + (1u << 15);
    return a1 * b1 + (middle >> 16) + (int32_t)(low >> 16);
#elif defined(__GNUC__) && defined(__ARM_FEATURE_DSP) && defined(__thumb2__)
    int32_t high;
    __asm__("smmulr %0, %1, %2" : "=r"(high) : "r"(a), "r"(b));
    return high;
#else
    const int64_t product = (int64_t)a * b;
    return (int32_t)(product >> 32) + (int32_t)((uint32_t)product >> 31);
#endif
}

/* The same inside the output's range. */
EK_INLINE int16_t ek_narrow_s16(int32_t a, int32_t b, int32_t low)
{
    int32_t found = ek_narrow_high(a, b);
#if defined(__GNUC__) && defined(__ARM_FEATURE_SAT) && defined(__thumb2__)
    __asm__("ssat %0, #16, %1" : "=r"(found) : "r"(found)); /* compilers compare twice */
    return (int16_t)(found < low ? low : found);
#else
    return (int16_t)ek_clamp_i32(found, low, 32767);
#endif
}

/* The multiplier of which a word holds fifteen bits and, above, how far they are shifted to the left. */
EK_INLINE int32_t ek_narrow_unpacked(int32_t word)
{
    return (word & 0x7fff) << (word >> 16);
}

#endif
