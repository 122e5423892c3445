/* float32 softmax of beta * x over rows of `depth`. */
#include "ek_exp_f32.h"

EK_KERNEL void ek_softmax_f32(int32_t rows, int32_t depth, float beta, const float *x, float *y)
{
    for (int32_t row = 0; row < rows; ++row) {
        float top = x[0];
        float sum = 0.0f;
        for (int32_t c = 1; c < depth; ++c) {
            top = x[c] > top ? x[c] : top;
        }
        for (int32_t c = 0; c < depth; ++c) {
            y[c] = ek_expf(beta * (x[c] - top));
            sum += y[c];
        }
        const float scale = 1.0f / sum;
        for (int32_t c = 0; c < depth; ++c) {
            y[c] *= scale;
        }
        x += depth;
        y += depth;
    }
}
