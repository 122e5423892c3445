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

/* The sum of a window inside the input; taps of a row that lie side by side are one run. */
EK_INLINE int32_t ek_others_inside(const ek_other *one, const int8_t *x, int32_t depth)
{
    const ek_window *w = &one->window;
    const int32_t row = w->dilation_h * w->in_w * w->in_c;
    if (w->dilation_w == 1 && depth == w->in_c) {
        return one->folded + ek_others_runs(x, one->weights, w->kernel_h, w->kernel_w * depth, row);
    }
    const int16_t *weights = one->weights;
    int32_t sum = one->folded;
    for (int32_t ky = 0; ky < w->kernel_h; ++ky, x += row, weights += w->kernel_w * depth) {
        sum += ek_others_runs(x, weights, w->kernel_w, depth, w->dilation_w * w->in_c);
    }
    return sum;
}

EK_INLINE void ek_conv_channels_s8(const ek_others *o, const int8_t *x, int8_t *y, int rule)
{
    const int32_t depth = o->window->in_c / o->window->groups;
    const int32_t filters = o->window->out_c / o->window->groups;
    const int32_t count = o->count;
    for (int32_t i = 0; i < count; ++i) {
        const ek_other one =
            ek_others_filter(o, i, o->window->kernel_h * o->window->kernel_w * depth);
        const ek_window *w = &one.window;
        const int32_t last_y = ek_others_limit(w->in_h, w->kernel_h, w->dilation_h);
        const int32_t last_x = ek_others_limit(w->in_w, w->kernel_w, w->dilation_w);
        const int8_t *from = x + o->channels[i] / filters * depth;
        int8_t *to = y + i;
        for (int32_t oy = 0; oy < w->out_h; ++oy) {
            const int32_t iy = oy * w->stride_h - w->pad_top;
            for (int32_t ox = 0; ox < w->out_w; ++ox, to += count) {
                const int32_t ix = ox * w->stride_w - w->pad_left;
                const int inside = iy >= 0 && iy < last_y && ix >= 0 && ix < last_x;
                const int32_t sum =
                    inside ? ek_others_inside(&one, from + (iy * w->in_w + ix) * w->in_c, depth)
                           : ek_others_border(&one, from, iy, ix, depth);
                *to = ek_requantize(sum, &one.requant, i, rule);
            }
        }
    }
}
