/* rsqrt: 1 / sqrt(x). Of 0 infinite with its sign, of negative numbers NaN.
 * Error: ek_rsqrtf 1.5 ULP */
#ifndef EK_RSQRT_F32_H
#define EK_RSQRT_F32_H

#include "ek_sqrt_f32.h"

EK_MATH float ek_rsqrtf(float x)
{
    return x == 0.0f ? ek_copysignf(EK_INFINITY, x) : 1.0f / ek_sqrtf(x);
}

#endif
