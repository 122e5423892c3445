/* int8 stacks of matrix products; geometry as in ek_matmul.h. Four columns at a time: an element of the
 * left matrix is loaded once for four products. The right one's zero point is taken off as a whole,
 * b_zero * sum (a - a_zero); sums are unsigned since what they start with may lie beyond int32. */
#include "ek_matmul.h"
#include "ek_requant.h"

EK_INLINE void ek_matmul_s8_columns(const int8_t *left, int32_t a_zero, const int8_t *right,
                                    int32_t depth, int32_t columns, uint32_t start, uint32_t sums[4])
{
    uint32_t s0 = start, s1 = start, s2 = start, s3 = start;
    for (int32_t k = 0; k < depth; ++k) {
        const int32_t value = left[k] - a_zero;
        s0 += (uint32_t)(value * right[0]);
        s1 += (uint32_t)(value * right[1]);
        s2 += (uint32_t)(value * right[2]);
        s3 += (uint32_t)(value * right[3]);
        right += columns;
    }
    sums[0] = s0;
    sums[1] = s1;
    sums[2] = s2;
    sums[3] = s3;
}

EK_INLINE uint32_t ek_matmul_s8_column(const int8_t *left, int32_t a_zero, const int8_t *right,
                                       int32_t depth, int32_t columns, uint32_t start)
{
    for (int32_t k = 0; k < depth; ++k) {
        start += (uint32_t)((left[k] - a_zero) * right[k * columns]);
    }
    return start;
}

EK_INLINE void ek_matmul_s8(const ek_matmul *g, const ek_requant *q, int32_t a_zero,
                            int32_t b_zero, const int8_t *a, const int8_t *b, int8_t *y, int rule)
{
    const ek_requant r = *q; /* a copy: stores to y cannot change it */
    const int32_t count = g->stack[0] * g->stack[1] * g->stack[2] * g->stack[3];
    const int32_t depth = g->depth, columns = g->columns;
    for (int32_t n = 0; n < count; ++n) {
        const int8_t *left = a + ek_matmul_offset(g, g->a_step, n);
        const int8_t *right = b + ek_matmul_offset(g, g->b_step, n);
        for (int32_t row = 0; row < g->rows; ++row, left += depth) {
            int32_t total = 0;
            for (int32_t k = 0; k < depth; ++k) {
                total += left[k] - a_zero;
            }
            const uint32_t start = (uint32_t)(-b_zero * total);
            int32_t c = 0;
            for (; c + 4 <= columns; c += 4) {
                uint32_t sums[4];
                ek_matmul_s8_columns(left, a_zero, right + c, depth, columns, start, sums);
                for (int32_t i = 0; i < 4; ++i) {
                    *y++ = ek_requantize((int32_t)sums[i], &r, 0, rule);
                }
            }
            for (; c < columns; ++c) {
                *y++ = ek_requantize((int32_t)ek_matmul_s8_column(left, a_zero, right + c, depth,
                                                                  columns, start),
                                     &r, 0, rule);
            }
        }
    }
}
