/* Cosine transform of features: `coefficients` rows of `size` cosines, sums in their order.
 * Specified in quantize/processing/real.py. */
#include "ek_common.h"

EK_KERNEL void ek_cosines_f32(int32_t size, int32_t coefficients, const float *cosines,
                              const float *features, float *out)
{
    for (int32_t k = 0; k < coefficients; ++k) {
        float sum = 0.0f;
        for (int32_t i = 0; i < size; ++i) {
            sum += features[i] * *cosines++;
        }
        out[k] = sum;
    }
}
