/* float32 maximum over a window, NHWC; padded positions never win. */
#include "ek_common.h"

EK_KERNEL void ek_max_pool_f32(const ek_window *w, float low, float high, const float *x, float *y)
{
    for (int32_t oy = 0; oy < w->out_h; ++oy) {
        for (int32_t ox = 0; ox < w->out_w; ++ox) {
            for (int32_t c = 0; c < w->in_c; ++c) {
                float best = -EK_INFINITY;
                for (int32_t ky = 0; ky < w->kernel_h; ++ky) {
                    const int32_t iy = oy * w->stride_h - w->pad_top + ky * w->dilation_h;
                    for (int32_t kx = 0; kx < w->kernel_w; ++kx) {
                        const int32_t ix = ox * w->stride_w - w->pad_left + kx * w->dilation_w;
                        if (iy >= 0 && iy < w->in_h && ix >= 0 && ix < w->in_w) {
                            const float value = x[(iy * w->in_w + ix) * w->in_c + c];
                            best = value > best ? value : best;
                        }
                    }
                }
                *y++ = ek_clamp_f32(best, low, high);
            }
        }
    }
}
