/* Depthwise windows of any size, four channels at a time. */
#ifndef EK_DEPTHWISE_QUADS_H
#define EK_DEPTHWISE_QUADS_H

#include "ek_depthwise_scale.h"

typedef struct {
    const int32_t *filters; /* for four channels: starts, weights tap by tap, multipliers */
    int32_t quads;
    int32_t kernel_h;
    int32_t kernel_w;
    int32_t shift;  /* after the high multiplication */
    int32_t repeat; /* filters of each channel of the input */
} ek_depthwise_quads;

/* All channels of one output pixel: x is the window's first pixel, steps are the distances in bytes
 * from row to row and from column to column of the window. */
typedef void ek_depthwise_pixel(const ek_depthwise_quads *a, const int8_t *x, int8_t *y,
                                const int32_t *steps);

/* A tap's weights are two words of halfwords, 256 times as large: channels 0 and 2, then 1 and 3. */
EK_INLINE int32_t ek_depthwise_quads_weight(const int32_t *taps, int32_t tap, int32_t c)
{
    const uint32_t word = (uint32_t)taps[2 * tap + (c & 1)];
    return (int16_t)(c < 2 ? word & 0xffffu : word >> 16);
}

/* 256 times the accumulator of one of four filters; x is the window's first pixel. */
EK_INLINE int32_t ek_depthwise_quads_sum(const ek_depthwise_quads *a, const int32_t *filter,
                                         const int8_t *x, const int32_t *steps, int32_t quad,
                                         int32_t c)
{
    const int32_t channel = (4 * quad + c) / a->repeat;
    int32_t sum = filter[c];
    for (int32_t ky = 0; ky < a->kernel_h; ++ky) {
        for (int32_t kx = 0; kx < a->kernel_w; ++kx) {
            const int32_t tap = ky * a->kernel_w + kx;
            sum += x[ky * steps[0] + kx * steps[1] + channel] *
                   ek_depthwise_quads_weight(filter + 4, tap, c);
        }
    }
    return sum;
}

#endif
