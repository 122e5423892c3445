/* Depthwise convolution of neighbouring pixels of one output row, eight channels at a time, from rows
 * that include their padding: what the kernels of int8 and of int16 have in common.
 *
 * Weights and table are filled up to a multiple of eight channels: for each eight channels, their
 * weights tap by tap, and each constant of the even channels and of the odd ones.
 */
#ifndef EK_TAPS_H
#define EK_TAPS_H

#include "ek_scaling.h"

typedef struct {
    const int8_t *weights;
    const int32_t *table;
    int32_t channels;
    int32_t rows, columns; /* of the window */
    int32_t tap_step;      /* bytes from tap to tap of a row */
    int32_t row_skip;      /* from behind a row's last tap to the next row's first one */
    int32_t pixel_step;
    ek_scaling scaling;
    int32_t row_bytes; /* from row to row */
} ek_taps;

/* The weights and the constants of channel c, of which there are `constants`. */
EK_INLINE const int8_t *ek_taps_weights(const ek_taps *a, int32_t c)
{
    return a->weights + c / 8 * 8 * a->rows * a->columns + c % 8;
}

EK_INLINE const int32_t *ek_taps_table(const ek_taps *a, int32_t c, int32_t constants)
{
    return a->table + c / 8 * 8 * constants + c % 8 / 2 + c % 2 * 4;
}

#endif
