/* float32 maximum over a window, NHWC; padded positions never win. */
#include "ek_strip.h"

EK_INLINE float ek_max_pool_f32_one(const ek_window *w, const ek_strip *s, const float *x)
{
    float best = -EK_INFINITY;
    for (int32_t ky = s->ky0; ky < s->ky1; ++ky) {
        const float *p = x;
        for (int32_t n = s->kx1 - s->kx0; n > 0; --n) {
            best = *p > best ? *p : best;
            p += w->dilation_w * w->in_c;
        }
        x += w->dilation_h * w->in_w * w->in_c;
    }
    return best;
}

EK_KERNEL void ek_max_pool_f32(const ek_window *w, float low, float high, const float *x, float *y)
{
    for (int32_t i = 0; i < w->out_h; ++i) {
        const int32_t oy = ek_turn(w, i, w->out_h);
        for (int32_t j = 0; j < w->out_w; ++j) {
            const ek_strip s = ek_strip_of(w, oy, ek_turn(w, j, w->out_w));
            for (int32_t c = 0; c < w->in_c; ++c) {
                const float best = ek_max_pool_f32_one(w, &s, x + s.in * w->in_c + c);
                y[s.out * w->out_c + c] = ek_clamp_f32(best, low, high);
            }
        }
    }
}
