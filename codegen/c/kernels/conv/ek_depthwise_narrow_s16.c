/* Depthwise convolution of int16 activations with int8 weights, NHWC, one filter a channel, where sums
 * fit into 32 bits and are scaled by one high word (quantize/narrow_form.py).
 *
 * Rows of 3x3 windows mostly as ek_depthwise3_narrow.h has them. Of other windows four neighbouring
 * pixels share the weights of a channel, single pixels at the border take four channels at a time; both are
 * functions of their own, so that sums and pointers stay in registers.
 *
 * weights  channels x kernel_h x kernel_w
 * bias     channels
 */
#include "ek_depthwise3_narrow.h"

/* A layer and the taps of a piece's windows that lie inside the input. Steps are numbers of elements. */
typedef struct {
    const ek_requant *q;
    const int32_t *bias;
    int32_t channels, taps; /* taps: of a filter, from one channel's to the next */
    int32_t rows, columns;
    int32_t row_step, column_step; /* from a tap to the next in the input */
    int32_t pixel_step;            /* from the window of a pixel to that of its neighbour */
    int32_t weights_step;          /* from a row of taps to the next */
} ek_narrow_part;

/* Four pixels, any window. */
EK_KERNEL void ek_depthwise_narrow_quads(const ek_narrow_part *d, const int16_t *x,
                                         const int8_t *weights, int16_t *y)
{
    const int32_t low = d->q->low, channels = d->channels;
    const int32_t *multiplier = d->q->multiplier;
    for (int32_t c = 0; c < channels; ++c) {
        int32_t s0 = d->bias[c], s1 = s0, s2 = s0, s3 = s0;
        const int16_t *first = x;
        const int8_t *v = weights;
        for (int32_t row = d->rows; row > 0; --row) {
            const int32_t step = d->pixel_step, column_step = d->column_step;
            const int16_t *p = first;
            for (int32_t n = d->columns; n > 0; --n) {
                const int32_t weight = *v++;
                s0 += p[0] * weight;
                s1 += p[step] * weight;
                s2 += p[2 * step] * weight;
                s3 += p[3 * step] * weight;
                p += column_step;
            }
            first += d->row_step;
        }
        *y = ek_narrow_s16(s0, *multiplier, low);
        y[channels] = ek_narrow_s16(s1, *multiplier, low);
        y[2 * channels] = ek_narrow_s16(s2, *multiplier, low);
        y[3 * channels] = ek_narrow_s16(s3, *multiplier, low);
        multiplier += d->q->step;
        weights += d->taps;
        ++x;
        ++y;
    }
}

/* The channels of one pixel: `some` at a time, four or one, as many as there are from c on. Returns the
 * first that is left. */
EK_INLINE int32_t ek_depthwise_narrow_some(const ek_narrow_part *d, int32_t some, int32_t c,
                                           const int16_t *x, const int8_t *weights, int16_t *y)
{
    const int32_t low = d->q->low, taps = d->taps, step = d->q->step;
    for (; c + some <= d->channels; c += some) {
        const int32_t *bias = d->bias + c, *multiplier = d->q->multiplier + c * step;
        int32_t s0 = bias[0], s1 = 0, s2 = 0, s3 = 0;
        if (some == 4) {
            s1 = bias[1];
            s2 = bias[2];
            s3 = bias[3];
        }
        const int16_t *first = x + c;
        const int8_t *filter = weights + c * taps;
        for (int32_t row = d->rows; row > 0; --row) {
            const int16_t *p = first;
            const int8_t *v = filter;
            for (int32_t n = d->columns; n > 0; --n) {
                s0 += p[0] * v[0];
                if (some == 4) {
                    s1 += p[1] * v[taps];
                    s2 += p[2] * v[2 * taps];
                    s3 += p[3] * v[3 * taps];
                }
                p += d->column_step;
                ++v;
            }
            first += d->row_step;
            filter += d->weights_step;
        }
        y[c] = ek_narrow_s16(s0, multiplier[0], low);
        if (some == 4) {
            y[c + 1] = ek_narrow_s16(s1, multiplier[step], low);
            y[c + 2] = ek_narrow_s16(s2, multiplier[2 * step], low);
            y[c + 3] = ek_narrow_s16(s3, multiplier[3 * step], low);
        }
    }
    return c;
}

/* One pixel. */
EK_KERNEL void ek_depthwise_narrow_single(const ek_narrow_part *d, const int16_t *x,
                                          const int8_t *weights, int16_t *y)
{
    const int32_t c = ek_depthwise_narrow_some(d, 4, 0, x, weights, y);
    ek_depthwise_narrow_some(d, 1, c, x, weights, y);
}

EK_KERNEL void ek_depthwise_narrow_s16(const ek_window *w, const ek_requant *q, const int16_t *x,
                                       const int8_t *weights, const int32_t *bias, int16_t *y)
{
    const int able = ek_depthwise3_narrow_able(w);
    const ek_pieces pieces = ek_pieces_of(w);
    ek_narrow_part d = {q, bias, w->in_c, w->kernel_h * w->kernel_w, 0, 0,
                           w->dilation_h * w->in_w * w->in_c, w->dilation_w * w->in_c,
                           w->stride_w * w->in_c, w->kernel_w};
    for (int32_t i = 0; i < w->out_h; ++i) {
        const int32_t oy = ek_turn(w, i, w->out_h);
        if (able && w->stride_w == 1) {
            ek_depthwise3_narrow_row(w, q, oy, x, weights, bias, y);
        } else if (able) {
            ek_depthwise3_narrow_row2(w, q, oy, x, weights, bias, y);
        }
        for (int32_t j = 0; j < pieces.count && !able; ++j) {
            const ek_strip s = ek_strip_at(w, &pieces, oy, ek_turn(w, j, pieces.count));
            const int16_t *from = x + s.in * w->in_c;
            const int8_t *filter = weights + s.ky0 * w->kernel_w + s.kx0;
            int16_t *to = y + s.out * w->in_c;
            d.rows = s.ky1 - s.ky0;
            d.columns = s.kx1 - s.kx0;
            if (s.pixels == 4) {
                ek_depthwise_narrow_quads(&d, from, filter, to);
            } else {
                ek_depthwise_narrow_single(&d, from, filter, to);
            }
        }
    }
}
