/* tanhf: a polynomial below 0.55, from there 1 - 2 / (e^2x + 1).
 * Error: ek_tanhf 1.5 ULP */
#ifndef EK_TANH_F32_H
#define EK_TANH_F32_H

#include "ek_exp_f32.h"

EK_MATH float ek_tanhf(float x)
{
    const float a = ek_fabsf(x);
    if (!(a >= 0.55f)) { /* NaN as well */
        const float z = a * a;
        float p = -6.295586e-3f;
        p = p * z + 2.10882761e-2f;
        p = p * z - 5.38568459e-2f;
        p = p * z + 0.133326367f;
        p = p * z - 0.333333194f;
        return ek_copysignf(a + a * (z * p), x);
    }
    return ek_copysignf(a > 9.1f ? 1.0f : 1.0f - 2.0f / (ek_expf(2.0f * a) + 1.0f), x);
}

#endif
