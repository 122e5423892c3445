/* Four rows of a product of two int8 matrices, four columns at a time. */
#ifndef EK_MATMUL_QUADS_H
#define EK_MATMUL_QUADS_H

#include "ek_matmul.h"
#include "ek_scaled.h"

#define EK_ROWS 4

/* Assembly reads these words in this order. */
typedef struct {
    int32_t start[EK_ROWS]; /* of the sums of each row */
    int32_t next[EK_ROWS];  /* outputs of the rows, from that of the first */
    int32_t depth, columns;
    int32_t table[3]; /* multiplier, offset, shift */
    int32_t left;     /* shift that brings a sum to the top of a word */
    int32_t top, zero; /* as ek_scaled and ek_scaled_signed take them */
    int32_t low;
} ek_matmul_quads;

/* x: the elements of the rows less their zero point, those of a column side by side; b: the right matrix */
typedef void ek_matmul_quads_kernel(const ek_matmul_quads *p, const int16_t *x, const int8_t *b,
                                    int8_t *y);

/* The sum of an output at the top of a word. */
EK_INLINE uint32_t ek_matmul_quads_field(const ek_matmul_quads *p, const int16_t *x,
                                         const int8_t *b, int32_t row)
{
    int32_t sum = p->start[row];
    for (int32_t k = 0; k < p->depth; ++k) {
        sum += x[EK_ROWS * k + row] * b[k * p->columns];
    }
    return (uint32_t)sum << p->left;
}

#endif
