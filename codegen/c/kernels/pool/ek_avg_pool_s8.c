/* int8 mean over the positions of a window that lie inside the input, NHWC, rounded half away
 * from zero, or up. Input and output share scale and zero point. */
#include "ek_common.h"

EK_KERNEL void ek_avg_pool_s8(const ek_window *w, int half_up, int32_t low, int32_t high,
                              const int8_t *x, int8_t *y)
{
    for (int32_t i = 0; i < w->out_h; ++i) {
        const int32_t oy = ek_turn(w, i, w->out_h);
        for (int32_t j = 0; j < w->out_w; ++j) {
            const int32_t ox = ek_turn(w, j, w->out_w);
            int8_t *dst = y + (oy * w->out_w + ox) * w->out_c;
            for (int32_t c = 0; c < w->in_c; ++c) {
                int32_t sum = 0;
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
                if (half_up) { /* as unsigned numbers, 128 higher, are divided */
                    sum = (sum + 128 * count + count / 2) / count - 128;
                } else {
                    sum = (sum + (sum > 0 ? count / 2 : -(count / 2))) / count;
                }
                *dst++ = (int8_t)ek_clamp_i32(sum, low, high);
            }
        }
    }
}
