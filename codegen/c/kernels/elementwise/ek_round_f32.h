/* float32 to the nearest integer: ties to the even neighbour or away from zero. Numbers beyond every
 * type of up to 16 bits are bounded first; NaN counts as the smallest. */
#ifndef EK_ROUND_F32_H
#define EK_ROUND_F32_H

#include "ek_common.h"

EK_INLINE int32_t ek_round_f32(float x, int half_even)
{
    const float bounded = x > -1000000.0f ? ek_clamp_f32(x, -1000000.0f, 1000000.0f) : -1000000.0f;
    const int32_t whole = (int32_t)bounded;
    const float rest = bounded - (float)whole;
    if (half_even && (rest == 0.5f || rest == -0.5f)) {
        return whole + ((whole & 1) == 0 ? 0 : (rest > 0.0f ? 1 : -1));
    }
    return whole + (rest >= 0.5f ? 1 : 0) - (rest <= -0.5f ? 1 : 0);
}

#endif
