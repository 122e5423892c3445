/* Dense layers whose weights lie in blocks of outputs, in the order in which they are read. */
#ifndef EK_DENSE_SCALED_H
#define EK_DENSE_SCALED_H

#include "ek_list.h"
#include "ek_scaled.h"

typedef struct {
    const int8_t *weights; /* blocks of outputs x depth x block; the last may overlap */
    const int32_t *table;  /* per output: multiplier, offset, shift */
    int32_t depth, outputs;
    int32_t top, zero; /* as ek_scaled and ek_scaled_signed take them */
    int32_t start;     /* of every sum */
    int32_t left;      /* shift that brings a sum to the top of a word */
    int32_t pieces, piece; /* lists (ek_list.h) of an output, and inputs of each; 0: no lists */
    int32_t low, block;
} ek_dense_scaled;

/* Of the next output, if weights are listed; `lists` moves on. */
EK_INLINE uint32_t ek_dense_scaled_sum(const ek_dense_scaled *p, const int8_t *x, int32_t output,
                                       const int8_t **lists)
{
    if (p->pieces > 0) {
        return (uint32_t)(p->start + ek_list_sum(lists, p->pieces, p->piece, x));
    }
    const int32_t index = output / p->block;
    const int32_t end = p->outputs - p->block;
    const int32_t first = index * p->block < end ? index * p->block : end;
    const int8_t *w = p->weights + index * p->block * p->depth + (output - first);
    int32_t sum = p->start;
    for (int32_t k = 0; k < p->depth; ++k) {
        sum += x[k] * w[k * p->block];
    }
    return (uint32_t)sum;
}

#endif
