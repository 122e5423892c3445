/* float32 to int8: round(x / scale) + zero_point, clamped. Ties go to the even neighbour (ONNX) or
 * away from zero (TFLite). */
#include "ek_round_f32.h"

EK_KERNEL void ek_quantize_f32(int32_t size, float scale, int32_t zero_point, int half_even,
                               const float *x, int8_t *y)
{
    for (int32_t i = 0; i < size; ++i) {
        const int32_t q = ek_round_f32(x[i] / scale, half_even) + zero_point;
        y[i] = (int8_t)ek_clamp_i32(q, -128, 127);
    }
}
