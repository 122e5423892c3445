/* Per-channel gain by the noise estimate, then a soft limit. `table` has gains for 0 and 1, then a
 * parabola (value, slope, bend) for each power of two.
 * Specified in quantize/processing/fixed.py. */
#include "ek_bits.h"

#define EK_SNR_BITS 12
#define EK_GAIN_OUT_BITS 6

EK_INLINE int32_t ek_gain_at(const int16_t *table, uint32_t x)
{
    if (x <= 2u) {
        return table[x];
    }
    const int32_t bits = ek_bit_length(x);
    const int16_t *const curve = table + 3 * bits - 4;
    const uint32_t scaled = bits < 11 ? x << (11 - bits) : x >> (bits - 11);
    const int32_t rest = (int32_t)(scaled & 0x3FFu);
    const int32_t bent = ((curve[2] * rest) >> 5) + curve[1] * 32;
    return (int16_t)(((bent * rest + (1 << 14)) >> 15) + curve[0]);
}

EK_KERNEL void ek_gain_u32(int32_t bands, const int16_t *table, int32_t shift,
                           const uint32_t *estimate, uint32_t *signal)
{
    for (int32_t i = 0; i < bands; ++i) {
        const uint64_t gain = (uint64_t)ek_gain_at(table, estimate[i]);
        const uint64_t snr = (signal[i] * gain) >> shift;
        if (snr < (UINT64_C(2) << EK_SNR_BITS)) {
            signal[i] = (uint32_t)((snr * snr) >> (2 + 2 * EK_SNR_BITS - EK_GAIN_OUT_BITS));
        } else {
            const uint64_t straight = snr >> (EK_SNR_BITS - EK_GAIN_OUT_BITS);
            signal[i] = (uint32_t)(straight - (1u << EK_GAIN_OUT_BITS));
        }
    }
}
