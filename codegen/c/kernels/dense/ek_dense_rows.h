/* int8 dense layer, two filters in one register, four filters at a time: what the readable equals of
 * the Armv7E-M functions share.
 *
 * A block of four filters holds four words that the sums start with, its weights, and two constants
 * for each filter; one or two filters that are left are a pair alone. A halfword of weights is
 * a + 256 b; sums of a and of the halfword are kept, 256 times the sum of b is their difference.
 */
#ifndef EK_DENSE_ROWS_H
#define EK_DENSE_ROWS_H

#include "ek_dense_pairs.h"

/* Input i of a row as the weights count them: a group that repeats ends with the row. */
EK_INLINE int32_t ek_dense_pairs_input(const ek_dense_pairs *a, const int8_t *x, int32_t i)
{
    const int32_t at = i < 8 * a->groups ? i : i - a->back;
    return at < a->depth ? x[at] : 0;
}

/* Add the products of one word of a pair; words hold the inputs (0, 2) and (1, 3). */
EK_INLINE void ek_dense_pairs_word(const ek_dense_pairs *a, const int8_t *x, int32_t word,
                                   int32_t from, uint32_t sums[2])
{
    ek_pairs_multiply(word, ek_dense_pairs_input(a, x, from), ek_dense_pairs_input(a, x, from + 2),
                      sums);
}

/* The weights of eight inputs of both pairs, again and again; returns what follows. */
EK_INLINE const int32_t *ek_dense_pairs_products(const ek_dense_pairs *a, const int8_t *x,
                                                 const int32_t *w, uint32_t sums[4])
{
    const int32_t groups = a->groups + (a->back != 0 ? 1 : 0);
    for (int32_t k = 0; k < 8 * groups; k += 4, w += 4) {
        for (int32_t i = 0; i < 4; ++i) {
            ek_dense_pairs_word(a, x, w[i], k + (i & 1), sums + (i & 2));
        }
    }
    return w;
}

/* One or two filters that are left, as a pair; a single one is both of it. */
EK_INLINE void ek_dense_pairs_last(const ek_dense_pairs *a, const int8_t *x, const int32_t *w,
                                   int8_t *y)
{
    const int32_t groups = a->groups + (a->back != 0 ? 1 : 0);
    uint32_t sums[2] = {(uint32_t)w[0], (uint32_t)w[1]};
    w += 2;
    for (int32_t k = 0; k < 8 * groups; k += 4, w += 2) {
        for (int32_t i = 0; i < 2; ++i) {
            ek_dense_pairs_word(a, x, w[i], k + i, sums);
        }
    }
    sums[1] -= sums[0];
    for (int32_t i = 0; i < 2; ++i) {
        const int32_t at = a->filters > 1 ? a->filters - 2 + i : 0;
        y[at] = ek_pairs_scale(a->tail, i, w + 2 * i, (int32_t)sums[i], a->shift, a->zero, a->add,
                               a->subtract);
    }
}

/* A list: runs of four inputs of both pairs, or of one, each with its place. */
EK_INLINE const int32_t *ek_dense_pairs_listed(const int8_t *x, const int32_t *w, uint32_t sums[4])
{
    for (int32_t run = *w++ >> 16; run != 0; run = *w++ >> 16) {
        const int32_t kind = run >> 8;
        const int32_t words = kind == EK_DENSE_BOTH ? 4 : 2;
        uint32_t *own = sums + (kind == EK_DENSE_SECOND ? 2 : 0);
        for (int32_t n = run & 255; n > 0; --n, w += words + 1) {
            for (int32_t i = 0; i < words; ++i) {
                const int8_t *from = x + w[words] + (i & 1);
                ek_pairs_multiply(w[i], from[0], from[2], own + (i & 2));
            }
        }
    }
    return w;
}

EK_INLINE const int32_t *ek_dense_pairs_block(const ek_dense_pairs *a, const int8_t *x,
                                              const int32_t *w, int8_t *y, int is_listed)
{
    const int32_t at[4] = {0, a->n1, a->n2, a->n3};
    uint32_t sums[4];
    for (int32_t i = 0; i < 4; ++i) {
        sums[i] = (uint32_t)w[i];
    }
    const int32_t *q = is_listed ? ek_dense_pairs_listed(x, w + 4, sums)
                                 : ek_dense_pairs_products(a, x, w + 4, sums);
    if (a->tail == EK_PAIRS_KEEP) {
        int32_t *kept = (int32_t *)(void *)y;
        for (int32_t i = 0; i < 4; ++i) {
            kept[i] = (i & 1) == 0 ? (int32_t)sums[i] : (int32_t)(sums[i] - sums[i - 1]) >> 8;
        }
        return q;
    }
    for (int32_t i = 0; i < 4; ++i) {
        const uint32_t sum = (i & 1) == 0 ? sums[i] : sums[i] - sums[i - 1];
        y[at[i]] = ek_pairs_scale(a->tail, i & 1, q + 2 * i, (int32_t)sum, a->shift, a->zero,
                                  a->add, a->subtract);
    }
    return q + 8;
}

EK_INLINE void ek_dense_pairs_rows(const ek_dense_pairs *a, const int8_t *x, int8_t *y,
                                   int is_listed)
{
    for (int32_t row = 0; row < a->rows; ++row) {
        const int32_t *end = a->weights + a->block_bytes / 4;
        const int32_t *w = a->weights;
        for (int8_t *to = y; w < end; to += a->tail == EK_PAIRS_KEEP ? 16 : 4) {
            w = ek_dense_pairs_block(a, x, w, to, is_listed);
        }
        if (a->last_bytes != 0) {
            ek_dense_pairs_block(a, x, w, y + a->filters - 4, is_listed);
        } else if (!is_listed && a->tail != EK_PAIRS_KEEP && ((a->filters + 1) & 2) != 0) {
            ek_dense_pairs_last(a, x, w, y);
        }
        x += a->depth;
        y += a->filters;
    }
}

#endif
