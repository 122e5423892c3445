/* Depthwise windows of any size, four channels at a time. */
#ifndef EK_DEPTHWISE_QUADS_H
#define EK_DEPTHWISE_QUADS_H

#include "ek_common.h"

typedef struct {
    const int32_t *filters; /* for four channels: starts, weights tap by tap, multipliers */
    int32_t quads;
    int32_t kernel_h;
    int32_t kernel_w;
    int32_t shift; /* after the high multiplication */
} ek_depthwise_quads;

/* All channels of one output pixel: x is the window's first pixel, steps are the distances in bytes
 * from row to row and from column to column of the window. */
typedef void ek_depthwise_pixel(const ek_depthwise_quads *a, const int8_t *x, int8_t *y,
                                const int32_t *steps);

#endif
