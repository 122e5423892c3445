/* One pixel of a depthwise layer of int16, whatever its window. */
#ifndef EK_DEPTHWISE_PIXEL_H
#define EK_DEPTHWISE_PIXEL_H

#include "ek_narrow.h"
#include "ek_requant.h"

typedef struct {
    const int32_t *filters; /* of four channels: biases, a word for each tap, multipliers */
    int32_t channels;
    int32_t low;
} ek_depthwise_pixels;

/* The taps of a window that are inside the input; distances in bytes. */
typedef struct {
    int32_t rows, columns;
    int32_t column;  /* of x, from tap to tap */
    int32_t first;   /* of a filter, to the first tap */
    int32_t row;     /* of x, from behind a row of taps to the next */
    int32_t skipped; /* of a filter, the same */
    int32_t rest;    /* of a filter, from there to the multipliers */
} ek_depthwise_taps;

/* All channels, four at a time; of the last four some may be those before. */
typedef void ek_depthwise_channels(const ek_depthwise_pixels *a, const int16_t *x, int16_t *y,
                                   const ek_depthwise_taps *t);

#endif
