/* int8 stacks of matrix products; geometry as in ek_matmul.h. Six rows of the left matrix at a time are
 * packed and multiplied with all columns; zero points are taken off as a whole. After the last row it comes
 * again.
 *
 * layer  what all rows share; its start is what requantization adds to each sum
 * terms  scratch: one for each column
 * words  scratch: EK_PACKED_WORDS x depth
 */
#include "ek_matmul_packed.h"
#include "ek_packed_run.h"

EK_INLINE int32_t ek_matmul_total(const int8_t *from, int32_t count, int32_t step)
{
    int32_t total = 0;
    for (; count > 0; --count, from += step) {
        total += *from;
    }
    return total;
}

EK_KERNEL void ek_matmul_sixes_s8(const ek_matmul *g, const ek_matmul_packed *layer,
                                  ek_matmul_packed_kernel *multiply, int32_t a_zero,
                                  int32_t b_zero, const int8_t *a, const int8_t *b, int32_t *terms,
                                  uint32_t *words, int8_t *y)
{
    const int32_t count = g->stack[0] * g->stack[1] * g->stack[2] * g->stack[3];
    ek_matmul_packed p = *layer;
    p.terms = terms;
    for (int32_t n = 0; n < count; ++n, y += g->rows * g->columns) {
        const int8_t *left = a + ek_matmul_offset(g, g->a_step, n);
        const int8_t *right = b + ek_matmul_offset(g, g->b_step, n);
        for (int32_t c = 0; c < g->columns; ++c) {
            terms[c] = -a_zero * ek_matmul_total(right + c, g->depth, g->columns);
        }
        for (int32_t first = 0; first < g->rows; first += EK_PACKED_SLOTS) {
            const int8_t *from[EK_PACKED_SLOTS];
            for (int32_t i = 0; i < EK_PACKED_SLOTS; ++i) {
                const int32_t row = first + i < g->rows ? first + i : g->rows - 1;
                from[i] = left + row * g->depth;
                const int32_t total = ek_matmul_total(from[i], g->depth, 1);
                p.start[i] = layer->start[i] + b_zero * (a_zero * g->depth - total);
                p.next[i] = (row - first) * g->columns;
            }
            ek_packed_run(from, g->depth, words);
            multiply(&p, words, right, y + first * g->columns);
        }
    }
}
