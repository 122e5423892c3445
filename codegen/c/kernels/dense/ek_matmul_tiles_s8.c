/* int8 stacks of matrix products; geometry as in ek_matmul.h. A tile kernel (ek_tile.h) multiplies six rows of
 * the left matrix, read where they lie, by some columns of the right one, which are packed as its
 * filters. What zero points add to a sum differs from output to output: it is what the sums resume from.
 *
 * scratch  sums of the rows; those of a panel's columns, as ek_tile keeps them; the packed panel
 */
#include "ek_matmul.h"
#include "ek_tile.h"

typedef struct {
    const int32_t *table; /* ek_high_word of each column of a panel: all the same */
    int32_t columns;      /* of a panel: even */
    int32_t taps;         /* of a call */
    int32_t whole;        /* rows of the right matrix that calls take; the others come in C */
    int32_t flags;        /* EK_TILE_BY_FILTER or none */
    int32_t a_zero, b_zero;
    int32_t offset, low, high; /* as in ek_tile */
} ek_matmul_tiles;

/* Some rows of two columns, `next` elements apart, in a tile kernel's order; returns their sums. */
EK_INLINE void ek_matmul_tiles_pack(const int8_t *b, int32_t next, int32_t taps, int32_t by_filter,
                                    int8_t *to, int32_t sums[2])
{
    const int32_t apart = by_filter ? taps : 1, step = by_filter ? 1 : 2;
    const int32_t flip = by_filter ? 128 : 0;
    int32_t first = 0, second = 0;
    for (int32_t k = 0; k < taps; ++k, b += next, to += step) {
        const int32_t left = b[0], right = b[1];
        to[0] = (int8_t)(left ^ flip);
        to[apart] = (int8_t)(right ^ flip);
        first += left;
        second += right;
    }
    sums[0] += first;
    sums[1] += second;
}

/* A panel of columns, call by call; `sums` of each become what the left zero point takes off. */
EK_INLINE void ek_matmul_tiles_panel(const ek_matmul *g, const ek_matmul_tiles *m, const int8_t *b,
                                     int32_t columns, int8_t *panel, int32_t *sums)
{
    for (int32_t c = 0; c < columns; c += 2) {
        int32_t found[2] = {0, 0};
        for (int32_t k = 0; k < m->whole; k += m->taps) {
            const int32_t rest = m->whole - k;
            const int32_t taps = rest < m->taps ? rest : m->taps;
            int8_t *to = panel + k * columns + c * taps;
            const int8_t *from = b + k * g->columns + c;
            if (m->flags & EK_TILE_BY_FILTER) {
                ek_matmul_tiles_pack(from, g->columns, taps, 1, to, found);
            } else {
                ek_matmul_tiles_pack(from, g->columns, taps, 0, to, found);
            }
        }
        for (int32_t k = m->whole; k < g->depth; ++k) {
            found[0] += b[k * g->columns + c];
            found[1] += b[k * g->columns + c + 1];
        }
        sums[c] = -m->a_zero * found[0];
        sums[c + 1] = -m->a_zero * found[1];
    }
}

/* What the right zero point takes off each row's sums, and what both add to all. */
EK_INLINE void ek_matmul_tiles_rows(const ek_matmul *g, const ek_matmul_tiles *m, const int8_t *a,
                                    int32_t *sums)
{
    for (int32_t row = 0; row < g->rows; ++row) {
        int32_t sum = 0;
        for (int32_t k = 0; m->b_zero != 0 && k < g->depth; ++k) {
            sum += *a++;
        }
        sums[row] = m->b_zero * (g->depth * m->a_zero - sum);
    }
}

/* What the sums of a tile start with; b: the first row that calls leave. */
EK_INLINE void ek_matmul_tiles_start(const ek_matmul *g, const ek_matmul_tiles *m,
                                     const int8_t *const *a, const int8_t *b, int32_t columns,
                                     const int32_t rows[EK_TILE_PIXELS], const int32_t *of_column,
                                     int32_t *sums)
{
    for (int32_t p = 0; p < EK_TILE_PIXELS; ++p) {
        const int32_t start = rows[p];
        int32_t *to = sums + p;
        for (int32_t c = 0; c < columns; ++c, to += EK_TILE_PIXELS) {
            *to = of_column[c] + start;
        }
        for (int32_t k = m->whole; k < g->depth; ++k) {
            const int32_t value = a[p][k];
            const int8_t *right = b + (k - m->whole) * g->columns;
            to = sums + p;
            for (int32_t c = 0; c < columns; ++c, to += EK_TILE_PIXELS) {
                *to += value * *right++;
            }
        }
    }
}

/* Six rows, the last of which may be the same, times a panel. */
EK_INLINE void ek_matmul_tiles_tile(const ek_matmul_tiles *m, ek_tile_kernel kernel,
                                    const int8_t *panel, int32_t columns, const int8_t **a,
                                    int8_t *const *y, int32_t *sums)
{
    ek_tile t = {panel, m->table, columns / 2, 1, 0, 0, 0, m->offset, m->low, m->high};
    for (int32_t k = 0; k < m->whole; k += m->taps) {
        const int32_t rest = m->whole - k;
        t.length = t.taps = rest < m->taps ? rest : m->taps;
        t.flags = m->flags | EK_TILE_RESUME | (rest > m->taps ? EK_TILE_WAIT : 0);
        kernel(&t, a, y, sums);
        for (int32_t p = 0; p < EK_TILE_PIXELS; ++p) {
            a[p] += t.taps;
        }
    }
}

EK_KERNEL void ek_matmul_tiles_s8(const ek_matmul *g, const ek_matmul_tiles *m,
                                  ek_tile_kernel kernel, const int8_t *a, const int8_t *b,
                                  int8_t *scratch, int8_t *y)
{
    const int32_t count = g->stack[0] * g->stack[1] * g->stack[2] * g->stack[3];
    int32_t *rows = (int32_t *)(void *)scratch;
    int32_t *of_column = rows + g->rows;
    int32_t *sums = of_column + m->columns;
    int8_t *panel = (int8_t *)(sums + EK_TILE_PIXELS * m->columns);
    for (int32_t n = 0; n < count; ++n, y += g->rows * g->columns) {
        const int8_t *left = a + ek_matmul_offset(g, g->a_step, n);
        const int8_t *right = b + ek_matmul_offset(g, g->b_step, n);
        ek_matmul_tiles_rows(g, m, left, rows);
        for (int32_t c = 0; c < g->columns;) {
            /* An odd last column is computed with the one before it. */
            const int32_t rest = g->columns - c;
            const int32_t columns = rest == 1 ? 2 : rest < m->columns ? rest & ~1 : m->columns;
            const int32_t first = rest == 1 ? c - 1 : c;
            ek_matmul_tiles_panel(g, m, right + first, columns, panel, of_column);
            for (int32_t row = 0; row < g->rows; row += EK_TILE_PIXELS) {
                const int8_t *x[EK_TILE_PIXELS];
                int8_t *to[EK_TILE_PIXELS];
                int32_t of_row[EK_TILE_PIXELS];
                for (int32_t p = 0; p < EK_TILE_PIXELS; ++p) {
                    const int32_t r = row + p < g->rows ? row + p : g->rows - 1;
                    x[p] = left + r * g->depth;
                    to[p] = y + r * g->columns + first;
                    of_row[p] = rows[r];
                }
                ek_matmul_tiles_start(g, m, x, right + m->whole * g->columns + first, columns,
                                      of_row, of_column, sums);
                ek_matmul_tiles_tile(m, kernel, panel, columns, x, to, sums);
            }
            c = first + columns;
        }
    }
}
