/* Rows of float32 depthwise layers with 3x3 windows and stride 1: weights and the sums under way stay
 * in registers, each input is loaded once for three outputs. */
#ifndef EK_DEPTHWISE3_F32_H
#define EK_DEPTHWISE3_F32_H

#include "ek_quad_f32.h"

/* What is computed at once: four channels in a vector, or one. */
#if EK_QUAD_VECTOR
#define EK_LANES 4
typedef ek_quad ek_lanes;

EK_INLINE ek_lanes ek_lanes_load(const float *p)
{
    return ek_quad_load(p);
}

EK_INLINE void ek_lanes_store(ek_lanes sum, float low, float high, float *y)
{
    ek_quad_store(sum, low, high, y);
}
#else
#define EK_LANES 1
typedef float ek_lanes;

EK_INLINE ek_lanes ek_lanes_load(const float *p)
{
    return *p;
}

EK_INLINE void ek_lanes_store(ek_lanes sum, float low, float high, float *y)
{
    *y = ek_clamp_f32(sum, low, high);
}
#endif

/* MVE has eight vectors, too few for nine weights. */
EK_INLINE int ek_depthwise3_f32_able(const ek_window *w)
{
    return !EK_MVE_FLOAT && w->kernel_h == 3 && w->kernel_w == 3 && w->stride_w == 1 && w->dilation_w == 1 &&
           w->pad_left <= 1 && w->out_w <= w->in_w - 1 + w->pad_left;
}

/* The weights of one row of a window. */
typedef struct {
    ek_lanes left, middle, right;
} ek_three;

/* Three outputs that the same column counts for: it is the third column of the first one's window. */
typedef struct {
    ek_lanes now, next, later;
} ek_under_way;

EK_INLINE ek_three ek_three_of(const float *weights)
{
    const ek_three v = {ek_lanes_load(weights), ek_lanes_load(weights + 4),
                        ek_lanes_load(weights + 8)};
    return v;
}

EK_INLINE void ek_add_column(ek_under_way *s, ek_three v, ek_lanes x)
{
    s->now = s->now + v.right * x;
    s->next = s->next + v.middle * x;
    s->later = s->later + v.left * x;
}

/* One row of outputs of EK_LANES channels from `rows` (2 or 3) rows of inputs. The weights of those
 * rows are four floats apart. */
EK_INLINE void ek_depthwise3_f32_row(const ek_window *w, int rows, float low, float high,
                                     const float *x, const float *weights, const float *bias,
                                     float *y)
{
    const int32_t line = w->dilation_h * w->in_w * w->in_c;
    const int32_t whole = w->in_w + w->pad_left - 2; /* outputs that have all three columns */
    const int32_t count = whole < w->out_w ? whole : w->out_w;
    const ek_three v0 = ek_three_of(weights);
    const ek_three v1 = ek_three_of(weights + 12);
    const ek_three v2 = rows > 2 ? ek_three_of(weights + 24) : v1;
    const float *p0 = x;
    const float *p1 = x + line;
    const float *p2 = rows > 2 ? p1 + line : p1;
    const int32_t step = w->in_c;
    const ek_lanes start = ek_lanes_load(bias);
    ek_under_way s = {start, start, start};
    for (int32_t n = count + 2 - w->pad_left; n > 0; --n) {
        s.later = start;
        ek_add_column(&s, v0, ek_lanes_load(p0));
        ek_add_column(&s, v1, ek_lanes_load(p1));
        p0 += step;
        p1 += step;
        if (rows > 2) {
            ek_add_column(&s, v2, ek_lanes_load(p2));
            p2 += step;
        }
        if (n <= count) {
            ek_lanes_store(s.now, low, high, y);
            y += w->out_c;
        }
        s.now = s.next;
        s.next = s.later;
    }
    if (count < w->out_w) { /* the third column of the last output is padding */
        ek_lanes_store(s.now, low, high, y);
    }
}

#endif
