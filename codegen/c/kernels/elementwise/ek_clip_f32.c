/* float32 clamp. */
#include "ek_common.h"

EK_KERNEL void ek_clip_f32(int32_t size, float low, float high, const float *x, float *y)
{
    for (int32_t i = 0; i < size; ++i) {
        y[i] = ek_clamp_f32(x[i], low, high);
    }
}
