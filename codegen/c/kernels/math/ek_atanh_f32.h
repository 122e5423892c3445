/* atanhf: a polynomial below 1/2, from there log1p(2x / (1 - x)) / 2. NaN outside of [-1, 1].
 * Error: ek_atanhf 1.2 ULP */
#ifndef EK_ATANH_F32_H
#define EK_ATANH_F32_H

#include "ek_log1p_f32.h"

EK_MATH float ek_atanhf(float x)
{
    const float a = ek_fabsf(x);
    if (a < 0.5f) {
        const float z = a * a;
        float p = 0.184696376f;
        p = p * z + 1.72935575e-2f;
        p = p * z + 0.105150215f;
        p = p * z + 0.10930638f;
        p = p * z + 0.142977417f;
        p = p * z + 0.199996233f;
        p = p * z + 0.333333373f;
        return ek_copysignf(a + a * (z * p), x);
    }
    if (!(a <= 1.0f)) {
        return ek_nan();
    }
    const float y = a == 1.0f ? EK_INFINITY : 0.5f * ek_log1pf(2.0f * a / (1.0f - a));
    return ek_copysignf(y, x);
}

#endif
