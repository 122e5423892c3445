/* Each result along one axis is a weighted sum of `taps` elements of x: resizing by any kernel.
 * x is (outer, count, inner), y (outer, size, inner); `index` and `weight` are (size, taps). */
#include "ek_common.h"

EK_KERNEL void ek_resample_f32(int32_t outer, int32_t count, int32_t size, int32_t inner,
                               int32_t taps, const int32_t *index, const float *weight,
                               const float *x, float *y)
{
    for (int32_t o = 0; o < outer; ++o) {
        for (int32_t j = 0; j < size; ++j) {
            for (int32_t i = 0; i < inner; ++i) {
                float sum = 0.0f;
                for (int32_t k = j * taps; k < (j + 1) * taps; ++k) {
                    sum += weight[k] * x[index[k] * inner + i];
                }
                *y++ = sum;
            }
        }
        x += count * inner;
    }
}
