/* float32 mean over the middle axis of an outer x count x inner tensor. */
#include "ek_common.h"

EK_KERNEL void ek_mean_f32(int32_t outer, int32_t count, int32_t inner, const float *x, float *y)
{
    for (int32_t o = 0; o < outer; ++o) {
        for (int32_t i = 0; i < inner; ++i) {
            float sum = 0.0f;
            for (int32_t n = 0; n < count; ++n) {
                sum += x[n * inner + i];
            }
            *y++ = sum / (float)count;
        }
        x += count * inner;
    }
}
