/* tanf of any finite number, of radians: sine over cosine; NaN of infinities.
 * Error: ek_tanf 2.4 ULP */
#ifndef EK_TAN_F32_H
#define EK_TAN_F32_H

#include "ek_trig_f32.h"

EK_MATH float ek_tanf(float x)
{
    if (ek_isinf(x) || ek_isnan(x)) {
        return ek_nan();
    }
    if (ek_fabsf(x) < 2.44140625e-4f) { /* keeps -0 and subnormals */
        return x;
    }
    const ek_angle angle = ek_trig_reduce(x);
    const float y = ek_sin_turned(angle, 0) / ek_sin_turned(angle, 1);
    return ek_signbit(x) ? -y : y;
}

#endif
