/* asinf and acosf; NaN outside of [-1, 1].
 *
 * A polynomial up to 1/2, from there asin(x) = pi/2 - 2 asin(sqrt((1 - x) / 2)).
 * Error: ek_asinf 1.7 ULP, ek_acosf 1.3 ULP */
#ifndef EK_ASIN_F32_H
#define EK_ASIN_F32_H

#include "ek_sqrt_f32.h"

#define EK_HALF_PI_HIGH 1.57079637f
#define EK_HALF_PI_LOW -4.37113883e-8f

/* asin(x) - x for |x| <= 1/2. */
EK_INLINE float ek_asin_rest(float x)
{
    const float z = x * x;
    float p = 3.76731269e-2f;
    p = p * z + 1.43291894e-2f;
    p = p * z + 3.18360552e-2f;
    p = p * z + 4.45136353e-2f;
    p = p * z + 7.50052109e-2f;
    p = p * z + 0.166666597f;
    return x * (z * p);
}

EK_MATH float ek_asinf(float x)
{
    const float a = ek_fabsf(x);
    if (a < 0.5f || ek_isnan(x)) {
        return x + ek_asin_rest(x);
    }
    if (a > 1.0f) {
        return ek_nan();
    }
    const float s = ek_sqrtf(0.5f * (1.0f - a));
    const float rest = 2.0f * ek_asin_rest(s) - EK_HALF_PI_LOW;
    return ek_copysignf(EK_HALF_PI_HIGH - (2.0f * s + rest), x);
}

EK_MATH float ek_acosf(float x)
{
    const float a = ek_fabsf(x);
    if (a < 0.5f || ek_isnan(x)) {
        return EK_HALF_PI_HIGH - (x + (ek_asin_rest(x) - EK_HALF_PI_LOW));
    }
    if (a > 1.0f) {
        return ek_nan();
    }
    const float s = ek_sqrtf(0.5f * (1.0f - a));
    const float rest = ek_asin_rest(s);
    if (x > 0.0f) {
        return 2.0f * (s + rest);
    }
    return 2.0f * (EK_HALF_PI_HIGH - (s + (rest - EK_HALF_PI_LOW)));
}

#endif
