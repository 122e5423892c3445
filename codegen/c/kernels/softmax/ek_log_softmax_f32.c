/* float32 logarithm of the softmax over rows of `depth`. */
#include "ek_common.h"
#include "ek_exp_f32.h"
#include "ek_log_f32.h"

EK_KERNEL void ek_log_softmax_f32(int32_t rows, int32_t depth, const float *x, float *y)
{
    for (int32_t row = 0; row < rows; ++row) {
        float top = x[0];
        float sum = 0.0f;
        for (int32_t c = 1; c < depth; ++c) {
            top = x[c] > top ? x[c] : top;
        }
        for (int32_t c = 0; c < depth; ++c) {
            sum += ek_expf(x[c] - top);
        }
        const float shift = ek_logf(sum);
        for (int32_t c = 0; c < depth; ++c) {
            y[c] = (x[c] - top) - shift;
        }
        x += depth;
        y += depth;
    }
}
