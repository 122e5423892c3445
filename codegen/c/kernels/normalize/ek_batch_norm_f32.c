/* float32 batch normalisation along the middle axis of outer x channels x inner, with given
 * statistics. */
#include "ek_common.h"
#include "ek_sqrt_f32.h"

EK_KERNEL void ek_batch_norm_f32(int32_t outer, int32_t channels, int32_t inner, float epsilon,
                                 const float *x, const float *scale, const float *bias,
                                 const float *mean, const float *variance, float *y)
{
    for (int32_t c = 0; c < channels; ++c) {
        const float factor = scale[c] / ek_sqrtf(variance[c] + epsilon);
        for (int32_t o = 0; o < outer; ++o) {
            const int32_t start = (o * channels + c) * inner;
            for (int32_t i = 0; i < inner; ++i) {
                y[start + i] = (x[start + i] - mean[c]) * factor + bias[c];
            }
        }
    }
}
