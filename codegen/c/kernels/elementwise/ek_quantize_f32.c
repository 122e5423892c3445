/* float32 to int8, rounded half away from zero, and back. */
#include "ek_common.h"

EK_INLINE int8_t ek_quantize_one(float x, float scale, int32_t zero_point)
{
    const float scaled = x / scale;
    const float rounded = ek_clamp_f32(scaled < 0.0f ? scaled - 0.5f : scaled + 0.5f,
                                       -1000.0f, 1000.0f);
    return (int8_t)ek_clamp_i32((int32_t)rounded + zero_point, -128, 127);
}

EK_KERNEL void ek_quantize_f32(int32_t size, float scale, int32_t zero_point, const float *x,
                               int8_t *y)
{
    for (int32_t i = 0; i < size; ++i) {
        y[i] = ek_quantize_one(x[i], scale, zero_point);
    }
}
