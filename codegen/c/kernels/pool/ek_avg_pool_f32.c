/* float32 mean over a window, NHWC. `area` is the divisor, or 0 to count only the positions that
 * lie inside the input. */
#include "ek_common.h"

EK_KERNEL void ek_avg_pool_f32(const ek_window *w, int32_t area, float low, float high,
                               const float *x, float *y)
{
    for (int32_t i = 0; i < w->out_h; ++i) {
        const int32_t oy = ek_turn(w, i, w->out_h);
        for (int32_t j = 0; j < w->out_w; ++j) {
            const int32_t ox = ek_turn(w, j, w->out_w);
            float *dst = y + (oy * w->out_w + ox) * w->out_c;
            for (int32_t c = 0; c < w->in_c; ++c) {
                float sum = 0.0f;
                int32_t count = 0;
                for (int32_t ky = 0; ky < w->kernel_h; ++ky) {
                    const int32_t iy = oy * w->stride_h - w->pad_top + ky * w->dilation_h;
                    for (int32_t kx = 0; kx < w->kernel_w; ++kx) {
                        const int32_t ix = ox * w->stride_w - w->pad_left + kx * w->dilation_w;
                        if (iy >= 0 && iy < w->in_h && ix >= 0 && ix < w->in_w) {
                            sum += x[(iy * w->in_w + ix) * w->in_c + c];
                            ++count;
                        }
                    }
                }
                *dst++ = ek_clamp_f32(sum / (float)(area > 0 ? area : count), low, high);
            }
        }
    }
}
