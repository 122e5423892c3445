/* Sums of depthwise windows, 256 times as large as the accumulator, become outputs. */
#ifndef EK_DEPTHWISE_SCALE_H
#define EK_DEPTHWISE_SCALE_H

#include "ek_common.h"

/* By one product and a shift. */
EK_INLINE int8_t ek_depthwise_scale_s8(int32_t sum, int32_t multiplier, int32_t shift)
{
    const int64_t product = (int64_t)sum * multiplier + (INT64_C(1) << 31);
    return (int8_t)ek_clamp_i32((int32_t)(product >> 32) >> shift, -128, 127);
}

/* Rounded twice: half is added to the product, its trailing zeros are one less than the shift. */
EK_INLINE int8_t ek_depthwise_scale_twice_s8(int32_t sum, int32_t multiplier, int32_t half)
{
    const int32_t twice = sum >> 7;
    const int64_t product = (int64_t)twice * multiplier + (INT64_C(1) << 31);
    int32_t scaled = (int32_t)(product >> 32) + half + (twice >> 31);
    for (; (half & 1) == 0; half >>= 1) {
        scaled >>= 1;
    }
    return (int8_t)ek_clamp_i32(scaled >> 1, -128, 127);
}

#endif
