/* Dense layers with two filters in one register, see ek_dense_pairs_s8.c. */
#ifndef EK_DENSE_PAIRS_H
#define EK_DENSE_PAIRS_H

#include "ek_pairs.h"

/* Kinds of runs in a list of weights: of both pairs of a block, of one. */
#define EK_DENSE_BOTH 0
#define EK_DENSE_FIRST 1
#define EK_DENSE_SECOND 2

typedef struct {
    const int32_t *weights;
    int32_t rows, depth, filters;
    int32_t groups, back; /* groups of eight inputs; inputs that one more repeats */
    int32_t n1, n2, n3;   /* outputs of a block, from its first */
    int32_t block_bytes;  /* of all blocks, but for a last that repeats outputs */
    int32_t last_bytes;   /* of that one, or 0 */
    int32_t entry;        /* for the assembly: where a sum begins */
    int32_t frame_bytes;
    int32_t tail, shift; /* how sums are scaled, see ek_pairs.h */
    int32_t add, subtract, zero;
} ek_dense_pairs;

/* Computes a layer of one row. y: bytes, or one int32 for each filter where sums are kept. */
typedef void (*ek_dense_pairs_kernel)(const ek_dense_pairs *a, const int8_t *x, int8_t *y);

#endif
