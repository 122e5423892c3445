/* Subtracts a running noise estimate (10 fractional bits, kept from frame to frame) from each band;
 * 5 per cent remain at least. Specified in quantize/processing/fixed.py. */
#include "ek_common.h"

#define EK_NOISE_ONE (1u << 14)
#define EK_NOISE_EVEN 409u /* weight of the newest frame */
#define EK_NOISE_ODD 983u
#define EK_NOISE_REMAINING 819u

EK_KERNEL void ek_noise_u32(int32_t bands, uint32_t *signal, uint32_t *estimate)
{
    for (int32_t i = 0; i < bands; ++i) {
        const uint32_t newest = (i & 1) != 0 ? EK_NOISE_ODD : EK_NOISE_EVEN;
        const uint64_t scaled = (uint64_t)signal[i] << 10;
        const uint64_t sum = scaled * newest + (uint64_t)estimate[i] * (EK_NOISE_ONE - newest);
        const uint64_t updated = sum >> 14;
        const uint64_t rest = updated < scaled ? (scaled - updated) >> 10 : 0u;
        const uint64_t least = ((uint64_t)signal[i] * EK_NOISE_REMAINING) >> 14;
        estimate[i] = (uint32_t)updated;
        signal[i] = (uint32_t)(rest > least ? rest : least);
    }
}
