/* int8 dense layer, two filters in one register, four filters at a time: the readable equal of the
 * Armv7E-M functions, of the same weights.
 *
 * A block of four filters holds four words that the sums start with, the weights of eight inputs of
 * both pairs, again and again, and two constants for each filter. A halfword of weights is
 * a + 256 b; sums of a and of the halfword are kept, 256 times the sum of b is their difference.
 */
#include "ek_dense_pairs.h"

/* Input i of a row as the weights count them: a group that repeats ends with the row. */
EK_INLINE int32_t ek_dense_pairs_input(const ek_dense_pairs *a, const int8_t *x, int32_t i)
{
    const int32_t at = i < 8 * a->groups ? i : i - a->back;
    return at < a->depth ? x[at] : 0;
}

EK_INLINE const int32_t *ek_dense_pairs_block(const ek_dense_pairs *a, const int8_t *x,
                                              const int32_t *w, int8_t *y)
{
    const int32_t at[4] = {0, a->n1, a->n2, a->n3};
    const int32_t groups = a->groups + (a->back != 0 ? 1 : 0);
    const int32_t *q = w + 4 + 16 * groups / 2;
    uint32_t sums[4];
    for (int32_t i = 0; i < 4; ++i) {
        sums[i] = (uint32_t)w[i];
    }
    w += 4;
    for (int32_t k = 0; k < 8 * groups; k += 4, w += 4) {
        for (int32_t i = 0; i < 4; ++i) {
            /* Words of a pair hold the inputs (0, 2) and (1, 3). */
            const int32_t first = ek_dense_pairs_input(a, x, k + (i & 1));
            const int32_t second = ek_dense_pairs_input(a, x, k + (i & 1) + 2);
            ek_pairs_multiply(w[i], first, second, sums + (i & 2));
        }
    }
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

EK_KERNEL void ek_dense_pairs_s8(const ek_dense_pairs *a, const int8_t *x, int8_t *y)
{
    for (int32_t row = 0; row < a->rows; ++row) {
        const int32_t *end = a->weights + a->block_bytes / 4;
        const int32_t *w = a->weights;
        for (int8_t *to = y; w < end; to += a->tail == EK_PAIRS_KEEP ? 16 : 4) {
            w = ek_dense_pairs_block(a, x, w, to);
        }
        if (a->last_bytes != 0) {
            ek_dense_pairs_block(a, x, w, y + a->filters - 4);
        }
        x += a->depth;
        y += a->filters;
    }
}
