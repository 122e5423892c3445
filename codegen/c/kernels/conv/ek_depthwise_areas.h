/* Depthwise windows an area of the output at a time: some rows, some columns, four channels. */
#ifndef EK_DEPTHWISE_AREAS_H
#define EK_DEPTHWISE_AREAS_H

#include "ek_depthwise_scale.h"

#define EK_AREA_COLUMNS 32                /* packed halfwords of one channel of a row */
#define EK_AREA_ROW (4 * EK_AREA_COLUMNS) /* of its four channels */

typedef struct {
    const int32_t *filters; /* for each channel, four by four: constants, then bytes of weights */
    int32_t words;          /* of a filter */
    int32_t kernel_h;
    int32_t width;  /* of the window, odd: a column of zeros may be its last */
    int32_t pairs;  /* of neighbouring weights in each of its rows */
    int32_t turns;  /* each expands two words of weights */
    int32_t stride; /* of columns, 1 or 2 */
    int32_t shift;  /* after the high multiplication */
    int32_t band;   /* most rows of an area */
    int32_t strip;  /* most columns of an area */
    int32_t bands;  /* areas above each other, those of each phase of dilated rows in turn */
    int32_t strips; /* areas beside each other */
    int32_t pad;    /* the padding's value in both halves */
} ek_depthwise_layer;

/* What of an area's input is there; distances in bytes. */
typedef struct {
    int32_t rows;
    int32_t row;
    int32_t columns;
    int32_t column;
    int32_t left; /* columns of padding before */
} ek_depthwise_input;

/* Outputs of an area; distances in bytes. */
typedef struct {
    const ek_depthwise_layer *layer;
    int32_t rows;
    int32_t columns;
    int32_t step; /* from the packed rows of one output row to those of the next */
    int32_t row;
    int32_t column;
} ek_depthwise_area;

/* Makes packed rows padding, given as two halfwords. */
typedef void ek_depthwise_fill(int16_t *packed, int32_t rows, int32_t pad);

/* Expands four channels of x to packed halfwords. */
typedef void ek_depthwise_pack(const ek_depthwise_input *from, const int8_t *x, int16_t *packed);

/* Four channels of an area; filters and y are those of the first of them. */
typedef void ek_depthwise_multiply(const ek_depthwise_area *p, const int32_t *filters,
                                   const int16_t *packed, int8_t *y);

/* Pairs of weights begin at each tap but the last, or at every second one. Two pairs share a word:
 * its even bytes are the first, its odd bytes the second. */
EK_INLINE int32_t ek_depthwise_area_weight(const ek_depthwise_layer *a, const int32_t *weights,
                                           int32_t ky, int32_t kx)
{
    const int32_t last = a->pairs - 1;
    const int32_t pair = a->stride == 2 ? kx >> 1 : (kx < last ? kx : last);
    const int32_t half = a->stride == 2 ? kx & 1 : kx - pair;
    const int32_t at = ky * a->pairs + pair;
    const uint32_t bytes = (uint32_t)weights[at >> 1];
    return (int8_t)(bytes >> (16 * half + 8 * (at & 1)) & 0xffu);
}

/* 256 times what the window at packed adds to an accumulator. */
EK_INLINE int32_t ek_depthwise_area_sum(const ek_depthwise_layer *a, const int32_t *weights,
                                        const int16_t *packed)
{
    int32_t sum = 0;
    for (int32_t ky = 0; ky < a->kernel_h; ++ky) {
        for (int32_t kx = 0; kx < a->width; ++kx) {
            const int32_t weight = ek_depthwise_area_weight(a, weights, ky, kx);
            if (weight != 0) { /* what a column of zeros meets may never have been written */
                sum += 256 * weight * packed[ky * EK_AREA_ROW + kx];
            }
        }
    }
    return sum;
}

/* constants: of each filter, before its weights; three where outputs are rounded twice */
EK_INLINE void ek_depthwise_area_s8(const ek_depthwise_area *p, const int32_t *filters,
                                    const int16_t *packed, int8_t *y, int32_t constants)
{
    const ek_depthwise_layer *a = p->layer;
    for (int32_t c = 0; c < 4; ++c) {
        const int32_t *filter = filters + c * a->words;
        for (int32_t i = 0; i < p->rows; ++i) {
            const int16_t *row = packed + i * (p->step >> 1) + c * EK_AREA_COLUMNS;
            for (int32_t j = 0; j < p->columns; ++j) {
                const int32_t sum =
                    filter[0] + ek_depthwise_area_sum(a, filter + constants, row + j * a->stride);
                y[i * p->row + j * p->column + c] =
                    constants == 2 ? ek_depthwise_scale_s8(sum, filter[1], a->shift)
                                   : ek_depthwise_scale_twice_s8(sum, filter[1], filter[2]);
            }
        }
    }
}

#endif
