/* int8 depthwise convolution of some channels only, NHWC: their outputs, `count` for each pixel. */
#include "ek_others.h"

/* The products of a window inside the input, whose rows and columns are so far from each other. A
 * function of its own: its registers would be spilled in the loops over the output. */
EK_KERNEL int32_t ek_depthwise_runs(const ek_window *w, const int8_t *x, const int16_t *weights,
                                      int32_t row, int32_t column)
{
    const int32_t columns = w->kernel_w;
    int32_t sum = 0;
    for (int32_t ky = w->kernel_h; ky > 0; --ky, x += row) {
        const int8_t *from = x;
        for (int32_t kx = 0; kx < columns; ++kx, from += column) {
            sum += *from * *weights++;
        }
    }
    return sum;
}

EK_INLINE void ek_depthwise_channels_s8(const ek_others *o, const int8_t *x, int8_t *y, int rule)
{
    const ek_window *w = o->window;
    const int32_t count = o->count, taps = w->kernel_h * w->kernel_w;
    const int32_t last_y = ek_others_limit(w->in_h, w->kernel_h, w->dilation_h);
    const int32_t last_x = ek_others_limit(w->in_w, w->kernel_w, w->dilation_w);
    const int32_t column = w->dilation_w * w->in_c, row = w->dilation_h * w->in_w * w->in_c;
    for (int32_t i = 0; i < count; ++i) {
        const int16_t *weights = o->weights + i * taps;
        const int8_t *from = x + o->channels[i];
        int8_t *to = y + i;
        for (int32_t oy = 0; oy < w->out_h; ++oy) {
            const int32_t iy = oy * w->stride_h - w->pad_top;
            for (int32_t ox = 0; ox < w->out_w; ++ox, to += count) {
                const int32_t ix = ox * w->stride_w - w->pad_left;
                int32_t sum;
                if (iy >= 0 && iy < last_y && ix >= 0 && ix < last_x) {
                    const int8_t *first = from + (iy * w->in_w + ix) * w->in_c;
                    sum = o->folded[i] + ek_depthwise_runs(w, first, weights, row, column);
                } else {
                    sum = o->bias[i] + ek_others_border(o, from, weights, iy, ix, 1);
                }
                *to = ek_requantize(sum, o->requant, i, rule);
            }
        }
    }
}
