/* Cosine transform of features: `coefficients` rows of `size` cosines with 14 fractional bits,
 * sums rounded half up. Specified in quantize/processing/fixed.py. */
#include "ek_common.h"

EK_KERNEL void ek_cosines_s32(int32_t size, int32_t coefficients, const int16_t *cosines,
                              const int32_t *features, int32_t *out)
{
    for (int32_t k = 0; k < coefficients; ++k) {
        int64_t sum = 1 << 13;
        for (int32_t i = 0; i < size; ++i) {
            sum += (int64_t)features[i] * *cosines++;
        }
        out[k] = (int32_t)(sum >> 14);
    }
}
