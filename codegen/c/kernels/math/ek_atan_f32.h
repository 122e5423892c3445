/* atanf and atan2f.
 *
 * A polynomial up to tan(pi/8), beyond it atan(x) = pi/4 + atan((x - 1) / (x + 1)) and from
 * tan(3 pi/8) on pi/2 - atan(1 / x).
 * Error: ek_atanf 2.0 ULP, ek_atan2f 2.4 ULP */
#ifndef EK_ATAN_F32_H
#define EK_ATAN_F32_H

#include "ek_bits_f32.h"

EK_MATH float ek_atanf(float x)
{
    const float a = ek_fabsf(x);
    float high = 0.0f;
    float low = 0.0f;
    float t = a;
    if (a > 2.41421356f) {
        high = 1.57079637f;
        low = -4.37113883e-8f;
        t = -1.0f / a;
    } else if (a > 0.414213562f) {
        high = 0.785398185f;
        low = -2.18556941e-8f;
        t = (a - 1.0f) / (a + 1.0f);
    }
    const float z = t * t;
    float p = -6.09175861e-2f;
    p = p * z + 0.105998203f;
    p = p * z - 0.1424447f;
    p = p * z + 0.19998531f;
    p = p * z - 0.333333164f;
    return ek_copysignf(high + (t + (t * (z * p) + low)), x);
}

/* The angle of (x, y) in [-pi, pi]; atan2(0, 0) is 0, and the signs of zeros count as in C99. */
EK_MATH float ek_atan2f(float y, float x)
{
    const float a = ek_fabsf(y);
    const float b = ek_fabsf(x);
    float angle;
    if (ek_isnan(x) || ek_isnan(y)) {
        return ek_nan();
    }
    if (a == 0.0f || (ek_isinf(b) && !ek_isinf(a))) {
        angle = 0.0f;
    } else if (a == b) { /* infinities too */
        angle = 0.785398185f;
    } else if (a < b * 7.88860905e-31f) { /* 2^-100; the quotient may not be subnormal */
        angle = a * 1.84467441e19f / b * 5.42101086e-20f;
    } else {
        angle = b == 0.0f ? 1.57079637f : ek_atanf(a / b);
    }
    if (ek_signbit(x)) {
        angle = 3.14159274f - (angle + 8.74227766e-8f);
    }
    return ek_copysignf(angle, y);
}

#endif
