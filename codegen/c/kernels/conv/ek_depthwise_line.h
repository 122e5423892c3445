/* Rows of depthwise layers of int16 with 3x3 windows, of which one row or column may be outside. */
#ifndef EK_DEPTHWISE_LINE_H
#define EK_DEPTHWISE_LINE_H

#include "ek_narrow.h"
#include "ek_requant.h"

#define EK_LINE_WORDS 5 /* of a channel */

typedef struct {
    const int32_t *filters; /* of a channel: bytes w00 w01 w10 w11, bytes w02 w20 w12 w21, w22,
                               multiplier, bias */
    const int32_t *end;
    int32_t row;     /* bytes from row to row of x, */
    int32_t column;  /* and from pixel to pixel of x and y */
    int32_t columns; /* outputs with a third column */
    int32_t left;    /* 1: the first window has no first column */
    int32_t right;   /* 1: there is one more output, without a third column */
    int32_t stride;
    int32_t low;
} ek_depthwise_line;

/* A row of outputs. x: three rows inside the input; edge: 1 where the window begins a row before
 * them, 2 where it begins with the second. */
typedef void ek_depthwise_line_multiply(const ek_depthwise_line *a, const int16_t *x, int16_t *y,
                                        int32_t edge);

/* The weight in a row and a column of a window. */
EK_INLINE int32_t ek_line_weight(const int32_t *filter, int32_t row, int32_t column)
{
    if (row == 2 && column == 2) {
        return filter[2];
    }
    const int32_t byte = row == 2 ? 2 * column + 1 : column == 2 ? 2 * row : 2 * row + column;
    const uint32_t word = (uint32_t)filter[row == 2 || column == 2];
    return (int8_t)(word >> (8 * byte) & 0xffu);
}

#endif
