/* int8 softmax over rows of `depth`, output scale 1/256 and zero point -128, for many elements: the
 * arithmetic of ek_softmax_s8 with its powers from a table.
 *
 * powers  exp of `count` differences to the row's maximum, 0 first, in Q0.31; larger ones are nothing
 */
#include "ek_reciprocal.h"

/* ek_high_mul of numbers that are not negative. Armv6-M has no product of 64 bits: of the four products
 * of halfwords the middle ones and what the low one carries are 32 bits together. */
EK_INLINE uint32_t ek_high_mul_positive(int32_t a, int32_t b)
{
#if defined(__ARM_ARCH_6M__)
    const uint32_t a0 = (uint32_t)a & 0xffffu, a1 = (uint32_t)a >> 16;
    const uint32_t b0 = (uint32_t)b & 0xffffu, b1 = (uint32_t)b >> 16;
    const uint32_t middle = a0 * b1 + a1 * b0 + (a0 * b0 >> 16);
    return 2 * (a1 * b1) + ((middle + (UINT32_C(1) << 14)) >> 15);
#else
    return (uint32_t)ek_high_mul(a, b);
#endif
}

EK_KERNEL void ek_powers_softmax_s8(int32_t rows, int32_t depth, int32_t count,
                                    const int32_t *powers, const int8_t *x, int8_t *y)
{
    for (int32_t row = 0; row < rows; ++row) {
        int32_t top = -128;
        uint32_t sum = 0; /* Q12.19: 8191 ones fit */
        for (int32_t c = 0; c < depth; ++c) {
            top = x[c] > top ? x[c] : top;
        }
        for (int32_t c = 0; c < depth; ++c) {
            const int32_t below = top - x[c];
            if (below < count) {
                sum += ((uint32_t)powers[below] + (UINT32_C(1) << 11)) >> 12;
            }
        }
        const int32_t zeros = ek_leading_zeros(sum);
        const int32_t bits = 35 - zeros; /* more than 31 leave nothing */
        const int32_t used = bits <= 31 ? count : 0;
        const uint32_t half = UINT32_C(1) << ((bits - 1) & 31);
        const int32_t scale = ek_reciprocal((int32_t)((sum << zeros) - UINT32_C(0x80000000)));
        for (int32_t c = 0; c < depth; ++c) {
            const int32_t below = top - x[c];
            uint32_t value = 0;
            /* scale is below 1: powers below one half of a unit leave nothing. */
            if (below < used && (uint32_t)powers[below] >= half) {
                value = (ek_high_mul_positive(scale, powers[below]) + half) >> bits;
            }
            y[c] = (int8_t)((value < 255u ? (int32_t)value : 255) - 128);
        }
        x += depth;
        y += depth;
    }
}
