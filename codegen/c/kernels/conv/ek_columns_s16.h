/* Sums of int16 inputs and int8 weights for four columns at once: what convolutions on int16
 * activations compute with. A column holds the taps of one pixel's window, or a part of them; taps come
 * in pairs, those of the four columns in turn. The portable kernel is ek_columns_s16.c. */
#ifndef EK_COLUMNS_S16_H
#define EK_COLUMNS_S16_H

#include "ek_common.h"

#define EK_COLUMNS 4

/* Assembly reads these words in this order. */
typedef struct {
    /* Filter by filter: what its sums start with (first part of the taps only), two words for eight
     * taps, its scale times 2^32 (last part only). Bytes of a word are taps 0, 2, 1, 3. */
    const int32_t *weights;
    const int32_t *end;
    int32_t entry;      /* for the assembly: where a sum begins */
    int32_t n1, n2, n3; /* outputs of the columns, from that of the first */
    const int32_t *from; /* four sums of each filter over the parts before, NULL for the first */
    int32_t *to;         /* sums that wait for the next part, NULL for the last */
    int32_t groups;      /* of eight taps */
    int32_t low;         /* of the outputs: -32768 or 0 */
} ek_columns;

typedef void (*ek_columns_kernel)(const ek_columns *a, const int16_t *x, int16_t *y);

#endif
