/* ln(x * 2^up) * 2^log_bits of each element, 0 where that is not above 1, at most 65535.
 * `table` has log2(1 + t) - t at t = i / 128 in 1/65536.
 * Specified in quantize/processing/fixed.py. */
#include "ek_bits.h"

#define EK_LN2 45426u /* in 1/65536 */

EK_INLINE uint32_t ek_log_fraction(const int16_t *table, uint32_t rest)
{
    const uint32_t segment = rest >> 9;
    const int32_t left = table[segment], right = table[segment + 1u];
    const int32_t inside = (int32_t)(rest & 0x1FFu);
    return rest + (uint32_t)(left + (((right - left) * inside) >> 16));
}

EK_KERNEL void ek_log_u32(int32_t size, int32_t up, int32_t log_bits, const int16_t *table,
                          const uint32_t *signal, int32_t *out)
{
    for (int32_t i = 0; i < size; ++i) {
        const uint32_t x = signal[i] << up;
        uint64_t scaled = 0;
        if (x > 1u) {
            const int32_t whole = ek_bit_length(x) - 1;
            const uint32_t tail = x - (UINT32_C(1) << whole);
            const uint32_t rest = whole < 16 ? tail << (16 - whole) : tail >> (whole - 16);
            const uint32_t log2 = ((uint32_t)whole << 16) + ek_log_fraction(table, rest);
            const uint64_t natural = ((uint64_t)EK_LN2 * log2 + 32768u) >> 16;
            scaled = ((natural << log_bits) + 32768u) >> 16;
        }
        out[i] = (int32_t)(scaled < 65535u ? scaled : 65535u);
    }
}
