/* Exact Winograd convolutions, F(4, 3) down the columns: what driver and kernels share.
 *
 * Four outputs of a column and three rows of weights take six products instead of twelve. Six rows d of
 * inputs become
 *     (d4 - 4 d2) + (d3 - 4 d1), (d4 - 4 d2) - (d3 - 4 d1), (d4 - d2) + 2 (d3 - d1),
 *     (d4 - d2) - 2 (d3 - d1), 4 d0 - 5 d2 + d4, 4 d1 - 5 d3 + d5
 * in this order; three weights g become
 *     -4 (g0 + g1 + g2), -4 (g0 - g1 + g2), g0 + 2 g1 + 4 g2, g0 - 2 g1 + 4 g2, 6 g0, 24 g2.
 * Sums are 24 times those of the convolution, modulo 2^32. Armv7E-M takes inputs plus 128, others as
 * they are.
 */
#ifndef EK_WINOGRAD_H
#define EK_WINOGRAD_H

#include "ek_pairs.h"

#define EK_WINOGRAD_ROWS 4    /* outputs of a column that are computed together */
#define EK_WINOGRAD_COLUMNS 2 /* columns of outputs */
#define EK_WINOGRAD_FILTERS 4 /* of a block */
#define EK_WINOGRAD_POINTS 6  /* rows of inputs, products */
#define EK_WINOGRAD_WIDTH 4   /* columns of inputs */
#define EK_WINOGRAD_TAPS 3    /* columns of weights */
#define EK_WINOGRAD_RECORD 48 /* values of a pair of channels: points x columns x 2 */
#define EK_WINOGRAD_SUMS 8    /* of a row of outputs: filters x columns */
#define EK_WINOGRAD_WAITING 32 /* sums of a block that wait for further channels */
#define EK_WINOGRAD_Q 12      /* constants of a block: four starts, two words that scale each filter; or
                               * three of ek_scaled.h */
#define EK_WINOGRAD_SHIFT 8     /* of scaled sums */

/* Beside the ways of ek_pairs.h in which a sum becomes an output: rounded twice, by a multiplier for 24
 * times the sum. */
#define EK_WINOGRAD_TWICE 5

/* Of ek_winograd_plain_tile_s8 and ek_winograd_high_tile_s8: negative sums are scaled in a way of their
 * own. */
#define EK_WINOGRAD_SIGNED 1

/* Assembly reads these words in this order. */
typedef struct {
    const int16_t *v;       /* transformed columns */
    const int16_t *weights; /* block, point, pair of channels, tap, filter, channel */
    int32_t *slots;
    int32_t *waiting;       /* sums of the channels before, sums for those after */
    const int32_t *q;       /* of the first block */
    int8_t *y[EK_WINOGRAD_ROWS];
    int32_t distance;       /* of two columns of outputs */
    int32_t pairs;          /* of channels */
    int32_t blocks;         /* of filters */
    int32_t first;          /* -1: no sums wait; else 0 */
    int32_t last;           /* 1: sums are complete */
    int32_t tail, zero, add, subtract; /* how they are scaled, see the kernel */
    int32_t entry;          /* for the assembly: where a sum begins */
    int32_t start, factor;  /* see the kernel */
} ek_winograd_tile;

/* One column of inputs. Assembly reads these words in this order. */
typedef struct {
    const int8_t *const *rows; /* addresses of rows 0, 2, 4, 1, 3, 5 */
    int32_t at;                /* of the first channel, from these addresses */
    int32_t words;             /* channels, by four */
    int16_t *v;                /* where its values go; */
    int32_t moved;             /* before that, so many records of v move on by two columns */
} ek_winograd_column;

typedef void (*ek_winograd_columns_kernel)(const ek_winograd_column *a);
typedef void (*ek_winograd_tile_kernel)(const ek_winograd_tile *a);

#endif
