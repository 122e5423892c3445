/* Root of the energy of each band, the frame's shift undone; weights have 12 fractional bits.
 * Specified in quantize/processing/fixed.py. */
#include "ek_bands.h"
#include "ek_root.h"

EK_KERNEL void ek_bands_s16(const ek_bands *b, const int16_t *weights, int32_t shift,
                            const int16_t *spectrum, uint32_t *out)
{
    for (int32_t band = 0; band < b->bands; ++band) {
        const int16_t *bin = spectrum + 2 * b->start[band];
        uint64_t energy = 0;
        for (int32_t i = 0; i < b->count[band]; ++i) {
            const uint32_t power = (uint32_t)(bin[0] * bin[0]) + (uint32_t)(bin[1] * bin[1]);
            const uint64_t weight = (uint16_t)*weights++;
            energy += power * weight;
            bin += 2;
        }
        out[band] = ek_root_u64(energy) >> shift;
    }
}
