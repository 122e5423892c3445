/* int8 softmax over rows of `depth`, output scale 1/256 and zero point -128, for many elements: the
 * arithmetic of ek_softmax_s8 with its powers from a table.
 *
 * powers  exp of `count` differences to the row's maximum, 0 first, in Q0.31; larger ones are nothing
 */
#include "ek_reciprocal.h"

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
            if (below < used) {
                value = ((uint32_t)ek_high_mul(scale, powers[below]) + half) >> bits;
            }
            y[c] = (int8_t)((value < 255u ? (int32_t)value : 255) - 128);
        }
        x += depth;
        y += depth;
    }
}
