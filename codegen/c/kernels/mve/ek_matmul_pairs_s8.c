/* int8 stacks of matrix products; geometry as in ek_matmul.h. Has two columns of the right matrix expanded
 * and multiplied with all rows; the last two columns, and the last rows, may be some of those before.
 *
 * layer   what all columns share; its biases are added to theirs
 * factor  of a column's sum in its bias: minus the left zero point, as bits of a late bias
 * panel   two columns, whole steps
 */
#include "ek_matmul.h"
#include "ek_matmul_pair.h"

EK_KERNEL void ek_matmul_pairs_s8(const ek_matmul *g, const ek_matmul_pair *layer,
                                  const ek_matmul_source *source, ek_matmul_pair_kernel multiply,
                                  ek_matmul_fill_kernel fill, int32_t factor, const int8_t *a,
                                  const int8_t *b, int16_t *panel, int8_t *y)
{
    const int32_t count = g->stack[0] * g->stack[1] * g->stack[2] * g->stack[3];
    const int32_t last = g->rows < EK_ROWS ? 0 : g->rows - EK_ROWS;
    ek_matmul_pair p = *layer;
    p.panel = panel;
    for (int32_t n = 0; n < count; ++n, y += g->rows * g->columns) {
        const int8_t *left = a + ek_matmul_offset(g, g->a_step, n);
        const int8_t *right = b + ek_matmul_offset(g, g->b_step, n);
        for (int32_t c = 0; c < g->columns; c += 2) {
            const int32_t column = c + 2 <= g->columns ? c : g->columns - 2;
            int32_t sums[2];
            fill(source, right + column, panel, sums);
            p.table[0] = layer->table[0] + factor * sums[0];
            p.table[3] = layer->table[3] + factor * sums[1];
            p.tiles = g->rows / EK_ROWS;
            if (p.tiles > 0) {
                multiply(&p, left, y + column);
            }
            if (g->rows % EK_ROWS != 0) {
                p.tiles = 1;
                multiply(&p, left + last * g->depth, y + last * g->columns + column);
            }
        }
    }
}
