/* A dense layer for one row, some filters at a time: what kernels for cores without byte products
 * compute. */
#ifndef EK_DENSE_BLOCKS_H
#define EK_DENSE_BLOCKS_H

#include "ek_high_word.h"
#include "ek_list.h"

/* Assembly reads these words in this order. */
typedef struct {
    const int8_t *weights; /* block by block, tap by tap, filter by filter; or lists (ek_list.h) */
    const int32_t *table;  /* of each filter, block by block; for int8 its ek_high_word */
    int32_t blocks;
    int32_t depth;
    int32_t back;          /* the last block begins so many filters earlier: it computes them again */
    int32_t offset;        /* 2 * zero point + 1, see ek_high_word */
    int32_t low, high;     /* clamp of the output */
    int32_t pieces, piece; /* lists of a filter, and inputs of each; 0: weights are not listed */
    int32_t filters;       /* of a block, at most 8; 1 where weights are listed */
    int32_t flip;          /* 128 where bytes hold weight + 128, else 0 */
    int32_t packed;        /* multipliers of int16 are ek_narrow_unpacked from a word */
} ek_dense_blocks;

/* Of the filter whose first weight is at w. */
EK_INLINE int32_t ek_dense_blocks_sum(const ek_dense_blocks *d, const int8_t *x, const int8_t *w)
{
    int32_t sum = 0;
    for (int32_t i = 0; i < d->depth; ++i) {
        sum += x[i] * (int8_t)(w[i * d->filters] ^ d->flip);
    }
    return sum;
}

EK_INLINE void ek_dense_blocks_any(const ek_dense_blocks *d, const int8_t *x, int8_t *y,
                                   int is_signed)
{
    const int8_t *weights = d->weights;
    const int32_t *q = d->table;
    for (int32_t block = 0; block < d->blocks; ++block) {
        y -= block == d->blocks - 1 ? d->back : 0;
        for (int32_t f = 0; f < d->filters; ++f) {
            const int32_t sum = d->pieces > 0 ? ek_list_sum(&weights, d->pieces, d->piece, x)
                                              : ek_dense_blocks_sum(d, x, weights + f);
            const int32_t out =
                is_signed ? ek_high_word_signed(sum, q, d->offset) : ek_high_word(sum, q);
            *y++ = (int8_t)ek_clamp_i32(out, d->low, d->high);
            q += 3;
        }
        weights += d->depth * d->filters;
    }
}

#endif
