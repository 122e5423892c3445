/* Two columns of the right matrix of an int8 product, expanded to halfwords, and all rows of the left one
 * with them. */
#ifndef EK_MATMUL_PAIR_H
#define EK_MATMUL_PAIR_H

#include "ek_scaling.h"

#define EK_ROWS 4 /* of a tile */
#define EK_STEP 8 /* elements of one column that lie together */

/* Assembly reads these words in this order. */
typedef struct {
    const int16_t *panel; /* eight elements of one column, less the zero point, then of the other */
    int32_t steps;        /* of eight elements, without the last */
    int32_t rest;         /* elements of the last step */
    int32_t tiles;
    int32_t x_step, y_step;  /* from tile to tile */
    int32_t row[EK_ROWS - 1]; /* from the first row of a tile to the others; rows may be the same */
    uint16_t place[2 * EK_ROWS]; /* of the outputs, row by row */
    int32_t table[2 * 3];        /* bias, significand and shift of both columns */
    ek_scaling scaling;
} ek_matmul_pair;

typedef struct {
    int32_t depth;
    int32_t columns;
    int32_t zero; /* point of the right matrix */
} ek_matmul_source;

/* Expands two columns, and writes the sums of each. */
typedef void (*ek_matmul_fill_kernel)(const ek_matmul_source *s, const int8_t *b, int16_t *panel,
                                      int32_t *sums);

/* x: the first row of the first tile. y: its first output. */
typedef void (*ek_matmul_pair_kernel)(const ek_matmul_pair *a, const int8_t *x, int8_t *y);

#endif
