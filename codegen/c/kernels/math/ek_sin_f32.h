/* sinf of any finite number, of radians; NaN of infinities.
 * Error: ek_sinf 0.9 ULP */
#ifndef EK_SIN_F32_H
#define EK_SIN_F32_H

#include "ek_trig_f32.h"

EK_MATH float ek_sinf(float x)
{
    if (ek_isinf(x) || ek_isnan(x)) {
        return ek_nan();
    }
    const float y = ek_sin_turned(ek_trig_reduce(x), 0);
    return ek_signbit(x) ? -y : y;
}

#endif
