/* float32 features times a factor. */
#include "ek_common.h"

EK_KERNEL void ek_scale_f32(int32_t size, float scale, const float *x, float *y)
{
    for (int32_t i = 0; i < size; ++i) {
        y[i] = x[i] * scale;
    }
}
