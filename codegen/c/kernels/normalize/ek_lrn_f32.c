/* float32 local response normalisation along the middle axis of outer x count x inner. */
#include "ek_common.h"
#include "ek_pow_f32.h"

EK_KERNEL void ek_lrn_f32(int32_t outer, int32_t count, int32_t inner, int32_t before,
                          int32_t after, float alpha, float beta, float bias, const float *x,
                          float *y)
{
    for (int32_t o = 0; o < outer; ++o) {
        for (int32_t c = 0; c < count; ++c) {
            const int32_t first = c > before ? c - before : 0;
            const int32_t last = c + after < count ? c + after : count - 1;
            for (int32_t i = 0; i < inner; ++i) {
                float sum = 0.0f;
                for (int32_t k = first; k <= last; ++k) {
                    sum += x[k * inner + i] * x[k * inner + i];
                }
                y[c * inner + i] = x[c * inner + i] * ek_powf(bias + alpha * sum, -beta);
            }
        }
        x += count * inner;
        y += count * inner;
    }
}
