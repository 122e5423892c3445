/* erff: a polynomial below 0.85, from there 1 - e^P(x) with P near log(erfc(x)).
 * Error: ek_erff 1.3 ULP */
#ifndef EK_ERF_F32_H
#define EK_ERF_F32_H

#include "ek_exp_f32.h"

EK_MATH float ek_erff(float x)
{
    const float a = ek_fabsf(x);
    if (!(a >= 0.85f)) { /* NaN as well */
        const float z = x * x;
        float p = -6.36421435e-4f;
        p = p * z + 5.06047159e-3f;
        p = p * z - 2.68089697e-2f;
        p = p * z + 0.112829052f;
        p = p * z - 0.376125932f;
        p = p * z + 0.128379166f;
        return x + x * p;
    }
    if (a > 3.95f) {
        return ek_copysignf(1.0f, x);
    }
    float p = -1.99761125e-5f;
    p = p * a + 4.21658653e-4f;
    p = p * a - 4.10977192e-3f;
    p = p * a + 2.49602608e-2f;
    p = p * a - 0.108037785f;
    p = p * a - 0.63356328f;
    p = p * a - 1.12940991f;
    p = p * a + 1.5329328e-4f;
    return ek_copysignf(1.0f - ek_expf(p), x);
}

#endif
