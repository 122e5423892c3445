/* int8 stacks of matrix products; geometry as in ek_matmul.h. */
#include "ek_matmul.h"
#include "ek_requant.h"

EK_INLINE void ek_matmul_s8(const ek_matmul *g, const ek_requant *q, int32_t a_zero,
                            int32_t b_zero, const int8_t *a, const int8_t *b, int8_t *y, int rule)
{
    const int32_t count = g->stack[0] * g->stack[1] * g->stack[2] * g->stack[3];
    for (int32_t n = 0; n < count; ++n) {
        const int8_t *left = a + ek_matmul_offset(g, g->a_step, n);
        const int8_t *right = b + ek_matmul_offset(g, g->b_step, n);
        for (int32_t row = 0; row < g->rows; ++row) {
            for (int32_t c = 0; c < g->columns; ++c) {
                int32_t sum = 0;
                for (int32_t k = 0; k < g->depth; ++k) {
                    sum += (left[k] - a_zero) * (right[k * g->columns + c] - b_zero);
                }
                *y++ = ek_requantize(sum, q, 0, rule);
            }
            left += g->depth;
        }
    }
}
