/* float32 dense layer: rows x depth inputs, outputs x depth weights. */
#include "ek_common.h"

EK_KERNEL void ek_dense_f32(int32_t rows, int32_t depth, int32_t outputs, float low, float high,
                            const float *x, const float *weights, const float *bias, float *y)
{
    for (int32_t row = 0; row < rows; ++row) {
        for (int32_t o = 0; o < outputs; ++o) {
            float acc = bias[o];
            for (int32_t i = 0; i < depth; ++i) {
                acc += x[i] * weights[o * depth + i];
            }
            *y++ = ek_clamp_f32(acc, low, high);
        }
        x += depth;
    }
}
