/* sinhf and coshf: e^x/2 -+ e^-x/2, and a polynomial for sinh below 1.
 * Error: ek_sinhf 1.7 ULP, ek_coshf 1.5 ULP */
#ifndef EK_SINH_F32_H
#define EK_SINH_F32_H

#include "ek_exp_f32.h"

EK_MATH float ek_sinhf(float x)
{
    const float a = ek_fabsf(x);
    if (!(a >= 1.0f)) { /* NaN as well */
        const float z = x * x;
        float p = 2.78392531e-6f;
        p = p * z + 1.98426351e-4f;
        p = p * z + 8.33331142e-3f;
        p = p * z + 0.166666672f;
        return x + x * (z * p);
    }
    const float half = ek_exp_scaled(a, -1);
    return ek_copysignf(half - 0.25f / half, x);
}

EK_MATH float ek_coshf(float x)
{
    const float half = ek_exp_scaled(ek_fabsf(x), -1);
    return half + 0.25f / half;
}

#endif
