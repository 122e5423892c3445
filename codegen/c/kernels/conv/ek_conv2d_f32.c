/* float32 convolution, NHWC, any window and number of groups (depthwise included).
 *
 * weights  out_c x kernel_h x kernel_w x (in_c / groups)
 */
#include "ek_common.h"

EK_INLINE float ek_conv2d_f32_dot(const ek_window *w, const float *x, const float *weights,
                                  int32_t iy, int32_t ix, int32_t count, float acc)
{
    for (int32_t ky = 0; ky < w->kernel_h; ++ky) {
        const int32_t y = iy + ky * w->dilation_h;
        for (int32_t kx = 0; kx < w->kernel_w; ++kx) {
            const int32_t column = ix + kx * w->dilation_w;
            if (y >= 0 && y < w->in_h && column >= 0 && column < w->in_w) {
                const float *src = x + (y * w->in_w + column) * w->in_c;
                for (int32_t c = 0; c < count; ++c) {
                    acc += src[c] * weights[c];
                }
            }
            weights += count;
        }
    }
    return acc;
}

EK_KERNEL void ek_conv2d_f32(const ek_window *w, float low, float high, const float *x,
                             const float *weights, const float *bias, float *y)
{
    const int32_t count = w->in_c / w->groups;
    const int32_t filters = w->out_c / w->groups;
    const int32_t k = w->kernel_h * w->kernel_w * count;

    for (int32_t i = 0; i < w->out_h; ++i) {
        const int32_t oy = ek_turn(w, i, w->out_h);
        for (int32_t j = 0; j < w->out_w; ++j) {
            const int32_t ox = ek_turn(w, j, w->out_w);
            float *dst = y + (oy * w->out_w + ox) * w->out_c;
            const int32_t iy = oy * w->stride_h - w->pad_top;
            const int32_t ix = ox * w->stride_w - w->pad_left;
            for (int32_t group = 0; group < w->groups; ++group) {
                for (int32_t f = group * filters; f < (group + 1) * filters; ++f) {
                    const float acc = ek_conv2d_f32_dot(w, x + group * count, weights + f * k, iy,
                                                        ix, count, bias[f]);
                    *dst++ = ek_clamp_f32(acc, low, high);
                }
            }
        }
    }
}
