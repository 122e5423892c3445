/* float32 to int8: round(x / scale) + zero_point, clamped. Ties go to the even neighbour (ONNX) or
 * away from zero (TFLite). */
#include "ek_common.h"

EK_INLINE int32_t ek_round_f32(float x, int half_even)
{
    const float bounded = ek_clamp_f32(x, -1000.0f, 1000.0f);
    const int32_t whole = (int32_t)bounded;
    const float rest = bounded - (float)whole;
    if (half_even && (rest == 0.5f || rest == -0.5f)) {
        return whole + ((whole & 1) == 0 ? 0 : (rest > 0.0f ? 1 : -1));
    }
    return whole + (rest >= 0.5f ? 1 : 0) - (rest <= -0.5f ? 1 : 0);
}

EK_KERNEL void ek_quantize_f32(int32_t size, float scale, int32_t zero_point, int half_even,
                               const float *x, int8_t *y)
{
    for (int32_t i = 0; i < size; ++i) {
        const int32_t q = ek_round_f32(x[i] / scale, half_even) + zero_point;
        y[i] = (int8_t)ek_clamp_i32(q, -128, 127);
    }
}
