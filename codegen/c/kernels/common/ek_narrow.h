/* TFLite's 16-bit requantization by the high word of one product (quantize/narrow_form.py). */
#ifndef EK_NARROW_H
#define EK_NARROW_H

#include "ek_common.h"

/* The high word of a * b, rounded, inside the output's range. */
EK_INLINE int16_t ek_narrow_s16(int32_t a, int32_t b, int32_t low)
{
    const int32_t high = (int32_t)(((int64_t)a * b + (INT64_C(1) << 31)) >> 32);
    return (int16_t)ek_clamp_i32(high, low, 32767);
}

/* The multiplier of which a word holds fifteen bits and, above, how far they are shifted to the left. */
EK_INLINE int32_t ek_narrow_unpacked(int32_t word)
{
    return (word & 0x7fff) << (word >> 16);
}

#endif
