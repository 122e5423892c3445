/* Sums of int16 inputs and int8 weights for four columns at once: what convolutions on int16
 * activations compute with. A column holds the taps of one pixel's window, or a part of them. Their order
 * is that of the kernel: ek_columns_s16.c is the portable one of Armv7E-M, ek_column_rows_s16.c that of
 * Armv8.1-M, ek_column_quads_s16.c that of RV32, those of ek_word_columns.h are of Armv7-M and Armv6-M. */
#ifndef EK_COLUMNS_S16_H
#define EK_COLUMNS_S16_H

#include "ek_narrow.h"

#define EK_COLUMNS 4

/* Assembly reads these words in this order. */
typedef struct {
    /* Filter by filter (or two by two, four by four): what its sums start with (first part of the taps only), two
     * words for eight taps, its scale times 2^32 (last part only). */
    const int32_t *weights;
    const int32_t *end;
    int32_t entry;      /* for the assembly: where a sum begins */
    int32_t n1, n2, n3; /* outputs of the columns, from that of the first */
    const int32_t *from; /* four sums of each filter over the parts before, NULL for the first */
    int32_t *to;         /* sums that wait for the next part, NULL for the last */
    int32_t groups;      /* of eight taps */
    int32_t low;         /* of the outputs: -32768 or 0 */
    int32_t distance;    /* of two columns' first taps */
} ek_columns;

typedef void (*ek_columns_kernel)(const ek_columns *a, const int16_t *x, int16_t *y);

#endif
