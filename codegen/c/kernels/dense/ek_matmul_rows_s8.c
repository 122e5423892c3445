/* int8 stacks of matrix products; geometry as in ek_matmul.h. Four rows of the left matrix at a time are
 * copied less their zero point and multiplied with all columns; the right one's zero point is taken off as a
 * whole. After the last row it comes again.
 *
 * layer  what all rows share; its start is what requantization adds to each sum
 * rows   scratch: 4 x depth
 */
#include "ek_matmul_quads.h"

/* One row into its place in every four; returns the sum of its elements. */
EK_INLINE int32_t ek_matmul_row(const int8_t *from, int32_t a_zero, int32_t depth, int16_t *to)
{
    int32_t total = 0;
    for (int32_t k = 0; k < depth; ++k, to += EK_ROWS) {
        const int32_t value = from[k] - a_zero;
        total += value;
        *to = (int16_t)value;
    }
    return total;
}

EK_KERNEL void ek_matmul_rows_s8(const ek_matmul *g, const ek_matmul_quads *layer,
                                 ek_matmul_quads_kernel *multiply, int32_t a_zero, int32_t b_zero,
                                 const int8_t *a, const int8_t *b, int16_t *rows, int8_t *y)
{
    const int32_t count = g->stack[0] * g->stack[1] * g->stack[2] * g->stack[3];
    ek_matmul_quads p = *layer;
    for (int32_t n = 0; n < count; ++n, y += g->rows * g->columns) {
        const int8_t *left = a + ek_matmul_offset(g, g->a_step, n);
        const int8_t *right = b + ek_matmul_offset(g, g->b_step, n);
        for (int32_t first = 0; first < g->rows; first += EK_ROWS) {
            for (int32_t i = 0; i < EK_ROWS; ++i) {
                const int32_t row = first + i < g->rows ? first + i : g->rows - 1;
                const int8_t *from = left + row * g->depth;
                const int32_t total = ek_matmul_row(from, a_zero, g->depth, rows + i);
                p.start[i] = layer->start[i] - b_zero * total;
                p.next[i] = (row - first) * g->columns;
            }
            multiply(&p, rows, right, y + first * g->columns);
        }
    }
}
