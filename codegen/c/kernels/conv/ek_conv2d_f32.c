/* float32 convolution, NHWC, any window and number of groups.
 *
 * Four output pixels and four filters at a time: sixteen sums in registers, eight loads for sixteen
 * products. Every sum starts with its bias and takes the taps in their order.
 *
 * quads    how many times four filters of each group are packed
 * weights  for each group: 4 * quads filters by fours, kernel_h x kernel_w x (in_c / groups) x 4, then
 *          each of the others, kernel_h x kernel_w x (in_c / groups)
 */
#include "ek_quad_f32.h"
#include "ek_strip.h"

/* The taps of one piece as runs of floats that lie side by side in the input and in the weights. */
typedef struct {
    int32_t rows, runs, length;
    int32_t row_step, run_step, pixel_step; /* in the input */
    int32_t first, weights_step;            /* positions in a filter: of the first tap, between rows */
} ek_runs;

EK_INLINE ek_runs ek_runs_of(const ek_window *w, const ek_strip *s, int32_t count)
{
    const int32_t columns = s->kx1 - s->kx0;
    const int joined = w->dilation_w == 1 && w->groups == 1;
    ek_runs r;
    r.rows = s->ky1 - s->ky0;
    r.runs = joined ? 1 : columns;
    r.length = joined ? columns * count : count;
    r.row_step = w->dilation_h * w->in_w * w->in_c;
    r.run_step = w->dilation_w * w->in_c;
    r.pixel_step = w->stride_w * w->in_c;
    r.first = (s->ky0 * w->kernel_w + s->kx0) * count;
    r.weights_step = w->kernel_w * count;
    return r;
}

EK_INLINE float ek_conv2d_f32_one(const ek_runs *r, const float *x, const float *weights, float sum)
{
    weights += r->first;
    for (int32_t row = 0; row < r->rows; ++row) {
        const float *v = weights + row * r->weights_step;
        for (int32_t run = 0; run < r->runs; ++run) {
            const float *p = x + row * r->row_step + run * r->run_step;
            for (int32_t n = r->length; n > 0; --n) {
                sum += *p++ * *v++;
            }
        }
    }
    return sum;
}

EK_INLINE ek_quad ek_conv2d_f32_four(const ek_runs *r, const float *x, const float *weights,
                                     ek_quad sum)
{
    weights += 4 * r->first;
    for (int32_t row = 0; row < r->rows; ++row) {
        const float *v = weights + row * 4 * r->weights_step;
        for (int32_t run = 0; run < r->runs; ++run) {
            const float *p = x + row * r->row_step + run * r->run_step;
            for (int32_t n = r->length; n > 0; --n) {
                sum = ek_quad_scaled(sum, ek_quad_load(v), *p++);
                v += 4;
            }
        }
    }
    return sum;
}

EK_INLINE void ek_conv2d_f32_sixteen(const ek_runs *r, const float *x, const float *weights,
                                     ek_quad sums[4])
{
    ek_quad s0 = sums[0];
    ek_quad s1 = sums[1];
    ek_quad s2 = sums[2];
    ek_quad s3 = sums[3];
    weights += 4 * r->first;
    for (int32_t row = 0; row < r->rows; ++row) {
        const float *v = weights + row * 4 * r->weights_step;
        for (int32_t run = 0; run < r->runs; ++run) {
            const float *p0 = x + row * r->row_step + run * r->run_step;
            const float *p1 = p0 + r->pixel_step;
            const float *p2 = p1 + r->pixel_step;
            const float *p3 = p2 + r->pixel_step;
            for (int32_t n = r->length; n > 0; --n) {
                const ek_quad q = ek_quad_load(v);
                s0 = ek_quad_scaled(s0, q, *p0++);
                s1 = ek_quad_scaled(s1, q, *p1++);
                s2 = ek_quad_scaled(s2, q, *p2++);
                s3 = ek_quad_scaled(s3, q, *p3++);
                v += 4;
            }
        }
    }
    sums[0] = s0;
    sums[1] = s1;
    sums[2] = s2;
    sums[3] = s3;
}

/* All filters of a group for the pixels of one piece. */
EK_INLINE void ek_conv2d_f32_piece(const ek_window *w, const ek_strip *s, int32_t quads, float low,
                                   float high, const float *x, const float *weights,
                                   const float *bias, float *y)
{
    const int32_t count = w->in_c / w->groups;
    const int32_t filters = w->out_c / w->groups;
    const int32_t k = w->kernel_h * w->kernel_w * count;
    const ek_runs r = ek_runs_of(w, s, count);

    for (int32_t quad = 0; quad < quads; ++quad) {
        const ek_quad start = ek_quad_load(bias + 4 * quad);
        const float *v = weights + 4 * quad * k;
        float *to = y + 4 * quad;
        if (s->pixels == 4) {
            ek_quad sums[4] = {start, start, start, start};
            ek_conv2d_f32_sixteen(&r, x, v, sums);
            for (int i = 0; i < 4; ++i) {
                ek_quad_store(sums[i], low, high, to + i * w->out_c);
            }
        } else {
            ek_quad_store(ek_conv2d_f32_four(&r, x, v, start), low, high, to);
        }
    }
    for (int32_t i = 0; i < s->pixels; ++i) {
        for (int32_t f = 4 * quads; f < filters; ++f) {
            const float *from = x + i * r.pixel_step;
            const float sum = ek_conv2d_f32_one(&r, from, weights + f * k, bias[f]);
            y[i * w->out_c + f] = ek_clamp_f32(sum, low, high);
        }
    }
}

EK_KERNEL void ek_conv2d_f32(const ek_window *w, int32_t quads, float low, float high,
                             const float *x, const float *weights, const float *bias, float *y)
{
    const int32_t count = w->in_c / w->groups;
    const int32_t filters = w->out_c / w->groups;
    const ek_pieces pieces = ek_pieces_of(w);

    for (int32_t i = 0; i < w->out_h; ++i) {
        const int32_t oy = ek_turn(w, i, w->out_h);
        for (int32_t j = 0; j < pieces.count; ++j) {
            const ek_strip s = ek_strip_at(w, &pieces, oy, ek_turn(w, j, pieces.count));
            for (int32_t group = 0; group < w->groups; ++group) {
                ek_conv2d_f32_piece(w, &s, quads, low, high, x + s.in * w->in_c + group * count,
                                    weights + group * filters * (w->kernel_h * w->kernel_w * count),
                                    bias + group * filters, y + s.out * w->out_c + group * filters);
            }
        }
    }
}
