/* Sum over each band of the bins' power, or of their magnitude, in the order of the bins.
 * Specified in quantize/processing/real.py. */
#include "ek_bands.h"
#include "ek_sqrt_f32.h"

EK_KERNEL void ek_bands_f32(const ek_bands *b, const float *weights, int32_t magnitude,
                            const float *spectrum, float *out)
{
    for (int32_t band = 0; band < b->bands; ++band) {
        const float *bin = spectrum + 2 * b->start[band];
        float sum = 0.0f;
        for (int32_t i = 0; i < b->count[band]; ++i) {
            const float power = bin[0] * bin[0] + bin[1] * bin[1];
            sum += (magnitude != 0 ? ek_sqrtf(power) : power) * *weights++;
            bin += 2;
        }
        out[band] = sum;
    }
}
