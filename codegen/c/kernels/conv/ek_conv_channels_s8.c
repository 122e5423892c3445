/* int8 convolution of some filters only, NHWC: their outputs, `count` for each pixel. */
#include "ek_others.h"

EK_INLINE void ek_conv_channels_s8(const ek_others *o, const int8_t *x, int8_t *y, int rule)
{
    const ek_window *w = o->window;
    const int32_t depth = w->in_c / w->groups;
    const int32_t filters = w->out_c / w->groups;
    const int32_t k = w->kernel_h * w->kernel_w * depth;

    for (int32_t p = 0; p < w->out_h * w->out_w; ++p) {
        const int32_t iy = p / w->out_w * w->stride_h - w->pad_top;
        const int32_t ix = p % w->out_w * w->stride_w - w->pad_left;
        for (int32_t i = 0; i < o->count; ++i) {
            const int32_t sum =
                ek_offset_window(w, x + o->channels[i] / filters * depth, o->x_zero,
                                 o->weights + i * k, o->w_zero, iy, ix, depth);
            *y++ = ek_requantize(o->bias[i] + sum, o->requant, i, rule);
        }
    }
}
