/* Depthwise windows of any size: some neighbouring outputs of a row, channel by channel.
 *
 * Each column of a window's rows has a pointer, those outside the input to a line of the input's zero
 * point, so that the block knows neither borders nor dilation between rows. Long rows of a window are
 * divided into several. */
#ifndef EK_DEPTHWISE_PIECE_H
#define EK_DEPTHWISE_PIECE_H

#include "ek_scaled.h"

/* Assembly reads these words in this order. */
typedef struct {
    const int8_t *weights; /* channel by channel, row by row */
    const int32_t *table;  /* per channel: multiplier, offset, shift */
    int32_t channels;      /* of the output */
    int32_t filters;       /* of each input channel */
    int32_t pointers;      /* of all rows */
    int32_t start;         /* of every sum */
    int32_t left;          /* shift that brings a sum to the top of a word */
    int32_t top, zero;     /* as ek_scaled and ek_scaled_signed take them */
    int32_t low;
    int32_t rows;     /* of a window, with the parts of long ones */
    int32_t parts;    /* of a row of the kernel */
    int32_t width;    /* taps of a row */
    int32_t span;     /* pointers of a row */
    int32_t outputs;  /* computed together */
    int32_t stride, dilation; /* along a row, in pixels */
} ek_depthwise_piece;

typedef void ek_depthwise_piece_kernel(const ek_depthwise_piece *p, const int8_t *const *pixels,
                                       int8_t *y);

/* The sum of a channel's output at the top of a word. */
EK_INLINE uint32_t ek_depthwise_piece_field(const ek_depthwise_piece *p,
                                            const int8_t *const *pixels, int32_t channel,
                                            int32_t output)
{
    const int8_t *w = p->weights + channel * p->rows * p->width;
    const int32_t from = channel / p->filters;
    int32_t sum = p->start;
    for (int32_t row = 0; row < p->rows; ++row) {
        for (int32_t tap = 0; tap < p->width; ++tap) {
            sum += pixels[output * p->stride + tap * p->dilation][from] * *w++;
        }
        pixels += p->span;
    }
    return (uint32_t)sum << p->left;
}

#endif
