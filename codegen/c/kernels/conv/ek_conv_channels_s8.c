/* int8 convolution of some filters only, NHWC: their outputs, `count` for each pixel. */
#include "ek_others.h"

/* Products of some runs of taps, `step` from each other, with weights that lie side by side. A function of
 * its own: its registers would be spilled in the loops over the output. */
EK_KERNEL int32_t ek_others_runs(const int8_t *x, const int16_t *weights, int32_t runs,
                                 int32_t length, int32_t step)
{
    int32_t sum = 0;
    for (; runs > 0; --runs, x += step) {
        const int8_t *from = x;
        int32_t count = length;
        for (; EK_UNROLL && count >= 4; count -= 4, from += 4, weights += 4) {
            sum += from[0] * weights[0] + from[1] * weights[1];
            sum += from[2] * weights[2] + from[3] * weights[3];
        }
        for (; count > 0; --count) {
            sum += *from++ * *weights++;
        }
    }
    return sum;
}

/* The products of a window inside the input; taps of a row that lie side by side are one run. */
EK_INLINE int32_t ek_others_inside(const ek_window *w, const int8_t *x, const int16_t *weights,
                                   int32_t depth)
{
    const int32_t row = w->dilation_h * w->in_w * w->in_c;
    if (w->dilation_w == 1 && depth == w->in_c) {
        return ek_others_runs(x, weights, w->kernel_h, w->kernel_w * depth, row);
    }
    int32_t sum = 0;
    for (int32_t ky = 0; ky < w->kernel_h; ++ky, x += row, weights += w->kernel_w * depth) {
        sum += ek_others_runs(x, weights, w->kernel_w, depth, w->dilation_w * w->in_c);
    }
    return sum;
}

EK_INLINE void ek_conv_channels_s8(const ek_others *o, const int8_t *x, int8_t *y, int rule)
{
    const ek_window *w = o->window;
    const int32_t depth = w->in_c / w->groups, filters = w->out_c / w->groups;
    const int32_t count = o->count, taps = w->kernel_h * w->kernel_w * depth;
    const int32_t last_y = ek_others_limit(w->in_h, w->kernel_h, w->dilation_h);
    const int32_t last_x = ek_others_limit(w->in_w, w->kernel_w, w->dilation_w);
    for (int32_t i = 0; i < count; ++i) {
        const int16_t *weights = o->weights + i * taps;
        const int8_t *from = x + o->channels[i] / filters * depth;
        int8_t *to = y + i;
        for (int32_t oy = 0; oy < w->out_h; ++oy) {
            const int32_t iy = oy * w->stride_h - w->pad_top;
            for (int32_t ox = 0; ox < w->out_w; ++ox, to += count) {
                const int32_t ix = ox * w->stride_w - w->pad_left;
                int32_t sum;
                if (iy >= 0 && iy < last_y && ix >= 0 && ix < last_x) {
                    const int8_t *first = from + (iy * w->in_w + ix) * w->in_c;
                    sum = o->folded[i] + ek_others_inside(w, first, weights, depth);
                } else {
                    sum = o->bias[i] + ek_others_border(o, from, weights, iy, ix, depth);
                }
                *to = ek_requantize(sum, o->requant, i, rule);
            }
        }
    }
}
