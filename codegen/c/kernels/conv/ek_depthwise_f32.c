/* float32 depthwise convolution with one filter for each channel, NHWC.
 *
 * Four output pixels and four channels at a time, so that weights are loaded once for four products;
 * rows of 3x3 windows with stride 1 as ek_depthwise3_f32.h has them.
 *
 * weights  channels by fours, kernel_h x kernel_w x 4, then each of the others, kernel_h x kernel_w
 */
#include "ek_depthwise3_f32.h"
#include "ek_strip.h"

EK_INLINE float ek_depthwise_f32_one(const ek_window *w, const ek_strip *s, const float *x,
                                     const float *weights, float sum)
{
    for (int32_t ky = s->ky0; ky < s->ky1; ++ky) {
        const float *p = x;
        for (int32_t kx = s->kx0; kx < s->kx1; ++kx) {
            sum += *p * weights[ky * w->kernel_w + kx];
            p += w->dilation_w * w->in_c;
        }
        x += w->dilation_h * w->in_w * w->in_c;
    }
    return sum;
}

EK_INLINE ek_quad ek_depthwise_f32_four(const ek_window *w, const ek_strip *s, const float *x,
                                        const float *weights, ek_quad sum)
{
    for (int32_t ky = s->ky0; ky < s->ky1; ++ky) {
        const float *p = x;
        const float *v = weights + 4 * (ky * w->kernel_w + s->kx0);
        for (int32_t n = s->kx1 - s->kx0; n > 0; --n) {
            sum = ek_quad_products(sum, ek_quad_load(p), ek_quad_load(v));
            p += w->dilation_w * w->in_c;
            v += 4;
        }
        x += w->dilation_h * w->in_w * w->in_c;
    }
    return sum;
}

EK_INLINE void ek_depthwise_f32_sixteen(const ek_window *w, const ek_strip *s, const float *x,
                                        const float *weights, ek_quad sums[4])
{
    const int32_t step = w->stride_w * w->in_c;
    ek_quad s0 = sums[0];
    ek_quad s1 = sums[1];
    ek_quad s2 = sums[2];
    ek_quad s3 = sums[3];
    for (int32_t ky = s->ky0; ky < s->ky1; ++ky) {
        const float *p = x;
        const float *v = weights + 4 * ky * w->kernel_w;
        for (int32_t n = w->kernel_w; n > 0; --n) {
            const ek_quad q = ek_quad_load(v);
            s0 = ek_quad_products(s0, ek_quad_load(p), q);
            s1 = ek_quad_products(s1, ek_quad_load(p + step), q);
            s2 = ek_quad_products(s2, ek_quad_load(p + 2 * step), q);
            s3 = ek_quad_products(s3, ek_quad_load(p + 3 * step), q);
            p += w->dilation_w * w->in_c;
            v += 4;
        }
        x += w->dilation_h * w->in_w * w->in_c;
    }
    sums[0] = s0;
    sums[1] = s1;
    sums[2] = s2;
    sums[3] = s3;
}

/* The channels from `from` on of the pixels of one piece. */
EK_INLINE void ek_depthwise_f32_piece(const ek_window *w, const ek_strip *s, int32_t from, float low,
                                      float high, const float *x, const float *weights,
                                      const float *bias, float *y)
{
    const int32_t taps = w->kernel_h * w->kernel_w;
    const int32_t packed = w->in_c & ~3;
    for (int32_t c = from; c < packed; c += 4) {
        const ek_quad start = ek_quad_load(bias + c);
        if (s->pixels == 4) {
            ek_quad sums[4] = {start, start, start, start};
            ek_depthwise_f32_sixteen(w, s, x + c, weights + c * taps, sums);
            for (int i = 0; i < 4; ++i) {
                ek_quad_store(sums[i], low, high, y + i * w->out_c + c);
            }
        } else {
            const ek_quad sum = ek_depthwise_f32_four(w, s, x + c, weights + c * taps, start);
            ek_quad_store(sum, low, high, y + c);
        }
    }
    for (int32_t i = 0; i < s->pixels; ++i) {
        for (int32_t c = packed; c < w->in_c; ++c) {
            const float *p = x + i * w->stride_w * w->in_c + c;
            const float sum = ek_depthwise_f32_one(w, s, p, weights + c * taps, bias[c]);
            y[i * w->out_c + c] = ek_clamp_f32(sum, low, high);
        }
    }
}

/* All channels by fours of one row of outputs, where rows of sums can be under way; returns how many
 * channels that were. */
EK_INLINE int32_t ek_depthwise_f32_row(const ek_window *w, int32_t oy, float low, float high,
                                       const float *x, const float *weights, const float *bias,
                                       float *y)
{
    const ek_strip s = ek_strip_of(w, oy, 0);
    const int32_t rows = s.ky1 - s.ky0;
    const int32_t packed = rows < 2 ? 0 : w->in_c & ~3;
    for (int32_t c = 0; c < packed; c += EK_LANES) {
        const float *v = weights + (c & ~3) * 9 + (c & 3) + 12 * s.ky0;
        const float *from = x + s.in * w->in_c + c; /* the first column lies inside */
        float *to = y + s.out * w->out_c + c;
        if (rows == 3) {
            ek_depthwise3_f32_row(w, 3, low, high, from, v, bias + c, to);
        } else {
            ek_depthwise3_f32_row(w, 2, low, high, from, v, bias + c, to);
        }
    }
    return packed;
}

EK_KERNEL void ek_depthwise_f32(const ek_window *w, float low, float high, const float *x,
                                const float *weights, const float *bias, float *y)
{
    const ek_pieces pieces = ek_pieces_of(w);
    const int able = ek_depthwise3_f32_able(w);
    for (int32_t i = 0; i < w->out_h; ++i) {
        const int32_t oy = ek_turn(w, i, w->out_h);
        const int32_t done = able ? ek_depthwise_f32_row(w, oy, low, high, x, weights, bias, y) : 0;
        for (int32_t j = 0; j < pieces.count && done < w->in_c; ++j) {
            const ek_strip s = ek_strip_at(w, &pieces, oy, ek_turn(w, j, pieces.count));
            ek_depthwise_f32_piece(w, &s, done, low, high, x + s.in * w->in_c, weights, bias,
                                   y + s.out * w->out_c);
        }
    }
}
