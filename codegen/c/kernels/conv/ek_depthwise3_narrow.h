/* Rows of depthwise layers of int16 with 3x3 windows, one or two columns apart: each input is loaded once for
 * the outputs of a row that it counts for. */
#ifndef EK_DEPTHWISE3_NARROW_H
#define EK_DEPTHWISE3_NARROW_H

#include "ek_narrow.h"
#include "ek_requant.h"
#include "ek_strip.h"

/* Whether the middle of every window lies inside the input, and its other columns are one beside it. */
EK_INLINE int ek_depthwise3_narrow_able(const ek_window *w)
{
    const int32_t row = w->dilation_h - w->pad_top, column = 1 - w->pad_left;
    return w->kernel_h == 3 && w->kernel_w == 3 && w->stride_w <= 2 && w->dilation_w == 1 && row >= 0 &&
           column >= 0 && row + (w->out_h - 1) * w->stride_h < w->in_h &&
           column + (w->out_w - 1) * w->stride_w < w->in_w;
}

/* One column of a window, or the weights of one: where there are dual products, two rows are a word. */
#if defined(__GNUC__) && defined(__ARM_FEATURE_DSP) && defined(__thumb2__)
typedef struct {
    int32_t upper, lower;
} ek_three_rows;

EK_INLINE ek_three_rows ek_three_rows_of(int32_t a, int32_t b, int32_t c)
{
    ek_three_rows rows = {0, c};
    __asm__("pkhbt %0, %1, %2, lsl #16" : "=r"(rows.upper) : "r"(a), "r"(b));
    return rows;
}

EK_INLINE int32_t ek_column_sum(ek_three_rows x, ek_three_rows weights, int32_t sum)
{
    int32_t found;
    __asm__("smlad %0, %1, %2, %3" : "=r"(found) : "r"(x.upper), "r"(weights.upper), "r"(sum));
    return found + x.lower * weights.lower;
}
#else
typedef struct {
    int32_t a, b, c;
} ek_three_rows;

EK_INLINE ek_three_rows ek_three_rows_of(int32_t a, int32_t b, int32_t c)
{
    const ek_three_rows rows = {a, b, c};
    return rows;
}

EK_INLINE int32_t ek_column_sum(ek_three_rows x, ek_three_rows weights, int32_t sum)
{
    return sum + x.a * weights.a + x.b * weights.b + x.c * weights.c;
}
#endif

/* A row of outputs: above and below lead from the window's middle row to its others, 0 where these are
 * outside the input. */
typedef struct {
    int32_t above, below;
    int32_t pitch; /* from one column to the next, in x and in y */
    int32_t pad;   /* 1: the first window has no first column */
    int32_t whole; /* elements of y whose windows have a third column, */
    int32_t width; /* of so many */
    int32_t low;
} ek_narrow_line;

EK_INLINE ek_three_rows ek_column_of(const ek_narrow_line *l, const int16_t *x)
{
    return ek_three_rows_of(x[l->above], *x, x[l->below]);
}

EK_INLINE ek_three_rows ek_column_weights(const ek_narrow_line *l, const int8_t *weights)
{
    return ek_three_rows_of(l->above == 0 ? 0 : weights[0], weights[3],
                            l->below == 0 ? 0 : weights[6]);
}

/* One channel of windows one column apart: of those that are under way, a column is the third of one, the
 * middle of the next and the first of the one after. */
EK_INLINE void ek_narrow_channel(const ek_narrow_line *l, const int16_t *x, const int8_t *weights,
                                 int32_t bias, int32_t multiplier, int16_t *y)
{
    const ek_three_rows left = ek_column_weights(l, weights);
    const ek_three_rows middle = ek_column_weights(l, weights + 1);
    const ek_three_rows right = ek_column_weights(l, weights + 2);
    const int16_t *const end = y + l->whole;
    int32_t next = bias, later = bias;
    for (int32_t n = l->pad; n < 2; ++n, x += l->pitch) {
        const ek_three_rows column = ek_column_of(l, x);
        next = ek_column_sum(column, middle, later);
        later = ek_column_sum(column, left, bias);
    }
    for (; y != end; x += l->pitch, y += l->pitch) {
        const ek_three_rows column = ek_column_of(l, x);
        *y = ek_narrow_s16(ek_column_sum(column, right, next), multiplier, l->low);
        next = ek_column_sum(column, middle, later);
        later = ek_column_sum(column, left, bias);
    }
    if (l->whole < l->width) {
        *y = ek_narrow_s16(next, multiplier, l->low);
    }
}

/* The same of windows two columns apart: the third column of one is the first of the next. */
EK_INLINE void ek_narrow_channel2(const ek_narrow_line *l, const int16_t *x, const int8_t *weights,
                                  int32_t bias, int32_t multiplier, int16_t *y)
{
    const ek_three_rows left = ek_column_weights(l, weights);
    const ek_three_rows middle = ek_column_weights(l, weights + 1);
    const ek_three_rows right = ek_column_weights(l, weights + 2);
    const int16_t *const end = y + l->whole;
    int32_t next = bias;
    if (!l->pad) {
        next = ek_column_sum(ek_column_of(l, x), left, bias);
        x += l->pitch;
    }
    for (; y != end; x += l->pitch, y += l->pitch) {
        const int32_t sum = ek_column_sum(ek_column_of(l, x), middle, next);
        x += l->pitch;
        const ek_three_rows column = ek_column_of(l, x);
        *y = ek_narrow_s16(ek_column_sum(column, right, sum), multiplier, l->low);
        next = ek_column_sum(column, left, bias);
    }
    if (l->whole < l->width) {
        *y = ek_narrow_s16(ek_column_sum(ek_column_of(l, x), middle, next), multiplier, l->low);
    }
}

/* All channels of one row of outputs. */
EK_INLINE void ek_depthwise3_narrow_line(const ek_window *w, const ek_requant *q, int32_t oy,
                                         int stride, const int16_t *x, const int8_t *weights,
                                         const int32_t *bias, int16_t *y)
{
    const int32_t channels = w->in_c, step = q->step;
    const int32_t row = w->dilation_h * w->in_w * channels;
    const int32_t middle = oy * w->stride_h - w->pad_top + w->dilation_h;
    const int32_t third = (w->in_w + w->pad_left - 3 + stride) / stride; /* windows that have one */
    const ek_narrow_line line = {middle < w->dilation_h ? 0 : -row,
                                 middle + w->dilation_h < w->in_h ? row : 0, channels, w->pad_left,
                                 channels * (third < w->out_w ? third : w->out_w),
                                 channels * w->out_w, q->low};
    const int32_t *multiplier = q->multiplier;
    x += middle * w->in_w * channels;
    y += oy * w->out_w * channels;
    for (int32_t c = 0; c < channels; ++c) {
        if (stride == 1) {
            ek_narrow_channel(&line, x + c, weights, bias[c], *multiplier, y + c);
        } else {
            ek_narrow_channel2(&line, x + c, weights, bias[c], *multiplier, y + c);
        }
        multiplier += step;
        weights += 9;
    }
}

EK_KERNEL void ek_depthwise3_narrow_row(const ek_window *w, const ek_requant *q, int32_t oy,
                                        const int16_t *x, const int8_t *weights,
                                        const int32_t *bias, int16_t *y)
{
    ek_depthwise3_narrow_line(w, q, oy, 1, x, weights, bias, y);
}

EK_KERNEL void ek_depthwise3_narrow_row2(const ek_window *w, const ek_requant *q, int32_t oy,
                                         const int16_t *x, const int8_t *weights,
                                         const int32_t *bias, int16_t *y)
{
    ek_depthwise3_narrow_line(w, q, oy, 2, x, weights, bias, y);
}

#endif
