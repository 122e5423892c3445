/* int8 depthwise convolution of some channels only, NHWC: their outputs, `count` for each pixel. */
#include "ek_others.h"

EK_INLINE int32_t ek_depthwise_channel(const ek_window *w, int32_t x_zero, const int8_t *x,
                                       int32_t iy, int32_t ix, const int8_t *weights,
                                       int32_t w_zero)
{
    int32_t sum = 0;
    for (int32_t ky = 0; ky < w->kernel_h; ++ky, iy += w->dilation_h) {
        for (int32_t kx = 0; kx < w->kernel_w; ++kx) {
            const int32_t column = ix + kx * w->dilation_w;
            const int inside =
                (uint32_t)iy < (uint32_t)w->in_h && (uint32_t)column < (uint32_t)w->in_w;
            sum += (inside ? x[(iy * w->in_w + column) * w->in_c] : x_zero) * (*weights++ - w_zero);
        }
    }
    return sum;
}

EK_INLINE void ek_depthwise_channels_s8(const ek_others *o, const int8_t *x, int8_t *y, int rule)
{
    const ek_window *w = o->window;
    const int32_t end_y = w->out_h * w->stride_h - w->pad_top;
    const int32_t end_x = w->out_w * w->stride_w - w->pad_left;
    for (int32_t iy = -w->pad_top; iy < end_y; iy += w->stride_h) {
        for (int32_t ix = -w->pad_left; ix < end_x; ix += w->stride_w) {
            const int8_t *weights = o->weights;
            for (int32_t i = 0; i < o->count; ++i) {
                const int32_t sum = ek_depthwise_channel(w, o->x_zero, x + o->channels[i], iy, ix,
                                                         weights, o->w_zero);
                *y++ = ek_requantize(o->bias[i] + sum, o->requant, i, rule);
                weights += w->kernel_h * w->kernel_w;
            }
        }
    }
}
