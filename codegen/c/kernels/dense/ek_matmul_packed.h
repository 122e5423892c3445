/* Six rows of a product of two int8 matrices, packed as ek_packed.h says. */
#ifndef EK_MATMUL_PACKED_H
#define EK_MATMUL_PACKED_H

#include "ek_matmul.h"
#include "ek_packed.h"
#include "ek_scaled.h"

/* Assembly reads these words in this order. */
typedef struct {
    int32_t start[EK_PACKED_SLOTS]; /* of the sums of each row */
    int32_t next[EK_PACKED_SLOTS];  /* outputs of the rows, from that of the first */
    const int32_t *terms;           /* of the sums of each column */
    int32_t excess;                 /* for the assembly: what its fields add to a sum */
    int32_t depth, columns;
    int32_t table[3];  /* multiplier, offset, shift */
    int32_t left;      /* shift that brings a sum to the top of a word */
    int32_t top, zero; /* as ek_scaled and ek_scaled_signed take them */
    int32_t low;
} ek_matmul_packed;

/* words: the elements of the rows, column by column; b: the right matrix */
typedef void ek_matmul_packed_kernel(const ek_matmul_packed *p, const uint32_t *words,
                                     const int8_t *b, int8_t *y);

/* One of six packed numbers. */
EK_INLINE int32_t ek_matmul_packed_element(const uint32_t *words, int32_t row)
{
    const uint32_t *triple = words + 2 * (row / 3);
    const int32_t first = (int8_t)(triple[0] & 0xffu), second = (int8_t)(triple[1] & 0xffu);
    if (row % 3 == 2) {
        return (int32_t)(triple[1] - (uint32_t)second) >> 10;
    }
    return row % 3 == 0 ? first : second;
}

/* The sum of an output at the top of a word. */
EK_INLINE uint32_t ek_matmul_packed_field(const ek_matmul_packed *p, const uint32_t *words,
                                          const int8_t *b, int32_t row, int32_t column)
{
    int32_t sum = p->start[row] + p->terms[column];
    for (int32_t k = 0; k < p->depth; ++k) {
        const int32_t element = ek_matmul_packed_element(words + EK_PACKED_WORDS * k, row);
        sum += element * b[k * p->columns + column];
    }
    return (uint32_t)sum << p->left;
}

#endif
