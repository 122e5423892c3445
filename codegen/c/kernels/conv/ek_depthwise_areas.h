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
    int32_t shift;  /* after the high multiplication of int8 */
    int32_t band;   /* most rows of an area */
    int32_t strip;  /* most columns of an area */
    int32_t bands;  /* areas above each other, those of each phase of dilated rows in turn */
    int32_t strips; /* areas beside each other */
    int32_t pad;    /* the padding's value in both halves */
    int32_t low;    /* smallest output of int16 */
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

/* Expands four channels of x, int8 or int16, to packed halfwords. */
typedef void ek_depthwise_pack(const ek_depthwise_input *from, const void *x, int16_t *packed);

/* Four channels of an area; filters and y are those of the first of them. */
typedef void ek_depthwise_multiply(const ek_depthwise_area *p, const int32_t *filters,
                                   const int16_t *packed, void *y);

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

/* What the window at packed adds to an accumulator, times factor. */
EK_INLINE int32_t ek_depthwise_area_sum(const ek_depthwise_layer *a, const int32_t *weights,
                                        const int16_t *packed, int32_t factor)
{
    int32_t sum = 0;
    for (int32_t ky = 0; ky < a->kernel_h; ++ky) {
        for (int32_t kx = 0; kx < a->width; ++kx) {
            const int32_t weight = ek_depthwise_area_weight(a, weights, ky, kx);
            if (weight != 0) { /* what a column of zeros meets may never have been written */
                sum += factor * weight * packed[ky * EK_AREA_ROW + kx];
            }
        }
    }
    return sum;
}

/* constants: of each filter, before its weights; three where outputs are rounded twice */
EK_INLINE void ek_depthwise_area_s8(const ek_depthwise_area *p, const int32_t *filters,
                                    const int16_t *packed, void *y, int32_t constants)
{
    const ek_depthwise_layer *a = p->layer;
    int8_t *out = y;
    for (int32_t c = 0; c < 4; ++c) {
        const int32_t *filter = filters + c * a->words;
        for (int32_t i = 0; i < p->rows; ++i) {
            const int16_t *row = packed + i * (p->step >> 1) + c * EK_AREA_COLUMNS;
            for (int32_t j = 0; j < p->columns; ++j) {
                const int32_t sum = filter[0] + ek_depthwise_area_sum(a, filter + constants,
                                                                      row + j * a->stride, 256);
                out[i * p->row + j * p->column + c] =
                    constants == 2 ? ek_depthwise_scale_s8(sum, filter[1], a->shift)
                                   : ek_depthwise_scale_twice_s8(sum, filter[1], filter[2]);
            }
        }
    }
}

/* So many positions at, at + step, ...: how many lie before the input, and then inside. */
typedef struct {
    int32_t count;
    int32_t before;
    int32_t inside;
} ek_depthwise_span;

EK_INLINE ek_depthwise_span ek_depthwise_find(int32_t at, int32_t step, int32_t count, int32_t size)
{
    int32_t before = at < 0 ? (step - 1 - at) / step : 0;
    int32_t end = at < size ? (step - 1 + size - at) / step : 0;
    before = before < count ? before : count;
    end = end < count ? end : count;
    const ek_depthwise_span span = {count, before, end > before ? end - before : 0};
    return span;
}

EK_INLINE int ek_depthwise_differs(ek_depthwise_span a, ek_depthwise_span b)
{
    return a.count != b.count || a.before != b.before || a.inside != b.inside;
}

/* First output of a row (column) of areas, each in steps of the dilation, phase after phase. */
EK_INLINE int32_t ek_depthwise_start(int32_t number, int32_t dilation, int32_t most)
{
    return number % dilation + number / dilation * dilation * most;
}

/* x and y have elements of so many bytes. */
EK_INLINE void ek_depthwise_areas(ek_depthwise_fill *fill, ek_depthwise_pack *pack,
                                  ek_depthwise_multiply *multiply, const ek_window *w,
                                  const ek_depthwise_layer *a, const void *x, int8_t *scratch,
                                  void *y, int32_t bytes)
{
    int16_t *packed = (int16_t *)(void *)scratch;
    const int32_t areas = a->bands * a->strips;
    ek_depthwise_span known_h = {0, 0, 0}, known_w = {0, 0, 0};
    for (int32_t turn = 0; turn < areas; ++turn) {
        const int32_t number = ek_turn(w, turn, areas);
        const int32_t oy = ek_depthwise_start(number / a->strips, w->dilation_h, a->band);
        const int32_t ox = ek_depthwise_start(number % a->strips, w->dilation_w, a->strip);
        const int32_t rest_h = (w->out_h - oy + w->dilation_h - 1) / w->dilation_h;
        const int32_t rest_w = (w->out_w - ox + w->dilation_w - 1) / w->dilation_w;
        if (rest_h <= 0 || rest_w <= 0) {
            continue; /* a phase with fewer outputs than others */
        }
        const ek_depthwise_area area = {
            .layer = a,
            .rows = rest_h < a->band ? rest_h : a->band,
            .columns = rest_w < a->strip ? rest_w : a->strip,
            .step = 2 * EK_AREA_ROW * w->stride_h,
            .row = bytes * w->dilation_h * w->out_w * w->out_c,
            .column = bytes * w->dilation_w * w->out_c,
        };
        const int32_t iy = oy * w->stride_h - w->pad_top, ix = ox * w->stride_w - w->pad_left;
        const int32_t height = (area.rows - 1) * w->stride_h + w->kernel_h;
        const int32_t width = (area.columns - 1) * w->stride_w + w->kernel_w;
        const ek_depthwise_span in_h = ek_depthwise_find(iy, w->dilation_h, height, w->in_h);
        const ek_depthwise_span in_w = ek_depthwise_find(ix, w->dilation_w, width, w->in_w);
        if (ek_depthwise_differs(in_h, known_h) || ek_depthwise_differs(in_w, known_w)) {
            known_h = in_h;
            known_w = in_w;
            if (in_h.inside < height || in_w.inside < width) {
                fill(packed, height, a->pad);
            }
        }
        const ek_depthwise_input from = {
            .rows = in_h.inside,
            .row = bytes * w->dilation_h * w->in_w * w->in_c,
            .columns = in_w.inside,
            .column = bytes * w->dilation_w * w->in_c,
            .left = in_w.before,
        };
        const int32_t first = in_h.before * from.row + in_w.before * from.column +
                              bytes * (iy * w->in_w + ix) * w->in_c;
        int8_t *out = (int8_t *)y + bytes * (oy * w->out_w + ox) * w->out_c;
        const int32_t *filters = a->filters;
        for (int32_t c = 0; c < w->in_c; c += 4, filters += 4 * a->words) {
            const int32_t channel = c < w->in_c - 4 ? c : w->in_c - 4;
            if (from.rows > 0 && from.columns > 0) {
                pack(&from, (const int8_t *)x + first + bytes * channel, packed + in_h.before * EK_AREA_ROW);
            }
            multiply(&area, filters, packed, out + bytes * channel);
        }
    }
}

#endif
