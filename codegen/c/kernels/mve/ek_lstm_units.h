/* From the sums of the gates of some units to their cells and outputs. */
#ifndef EK_LSTM_UNITS_H
#define EK_LSTM_UNITS_H

#include "ek_lstm_s8.h"

/* Assembly reads these words in this order. */
typedef struct {
    /* For each gate its scale from x and that from h, then that of the outputs: the bits to shift to the
     * left, multiplier, a shift that leaves a sign (-31) or nothing (32), the bits to the right (negative). */
    int32_t scales[9 * 4];
    int32_t zero_point;
    int32_t cell_clip;
    const ek_lstm_shape *shape;
} ek_lstm_units;

/* Some units: the sums of their gates from x and from h, cells and outputs. In this order too. */
typedef struct {
    const int32_t *sums, *again;
    int16_t *c;
    int8_t *y;
    int32_t count;
} ek_lstm_part;

typedef void (*ek_lstm_units_kernel)(const ek_lstm_units *a, const ek_lstm_part *part);

#endif
