/* int8 stacks of matrix products; geometry as in ek_matmul.h. Has four columns of the right matrix
 * expanded and multiplied with all rows; the last four columns may be some of those before.
 *
 * layer  what all panels share; its start is what requantization adds to each sum
 * panel  8 bytes for each row of the right matrix, whole groups of four
 */
#include "ek_matmul.h"
#include "ek_panel_words.h"

/* The last rows of four columns, fewer than four; their group begins with zeros. */
EK_INLINE void ek_panel_rest(const int8_t *b, int32_t rest, int32_t columns, int32_t b_zero,
                             int32_t *panel, int32_t sums[EK_PANEL])
{
    const int8_t *rows[4];
    for (int32_t i = 0; i < 4; ++i) {
        rows[i] = i < 4 - rest ? NULL : b + (i - 4 + rest) * columns;
    }
    ek_panel_words(rows[0], rows[2], b_zero, panel, sums);
    ek_panel_words(rows[1], rows[3], b_zero, panel + EK_PANEL, sums);
}

EK_KERNEL void ek_matmul_panels_s8(const ek_matmul *g, const ek_matmul_panel *layer,
                                   const ek_panel_source *source, ek_matmul_kernel multiply,
                                   ek_panel_kernel fill, int32_t a_zero, int32_t b_zero,
                                   const int8_t *a, const int8_t *b, int32_t *panel, int8_t *y)
{
    const int32_t count = g->stack[0] * g->stack[1] * g->stack[2] * g->stack[3];
    const int32_t whole = 4 * source->groups;
    ek_matmul_panel p = *layer;
    p.panel = panel;
    for (int32_t n = 0; n < count; ++n, y += g->rows * g->columns) {
        const int8_t *left = a + ek_matmul_offset(g, g->a_step, n);
        const int8_t *right = b + ek_matmul_offset(g, g->b_step, n);
        for (int32_t c = 0; c < g->columns; c += EK_PANEL) {
            const int32_t column = c + EK_PANEL <= g->columns ? c : g->columns - EK_PANEL;
            const int8_t *from = right + column;
            int32_t sums[EK_PANEL];
            fill(source, from, panel, sums);
            if (whole < g->depth) {
                ek_panel_rest(from + whole * g->columns, g->depth - whole, g->columns, b_zero,
                              panel + 2 * whole, sums);
            }
            for (int32_t i = 0; i < EK_PANEL; ++i) {
                p.start[i] = layer->start[i] - a_zero * sums[i];
            }
            multiply(&p, left, y + column);
        }
    }
}
