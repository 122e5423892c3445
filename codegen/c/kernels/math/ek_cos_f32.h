/* cosf of any finite number, of radians; NaN of infinities.
 * Error: ek_cosf 0.9 ULP */
#ifndef EK_COS_F32_H
#define EK_COS_F32_H

#include "ek_trig_f32.h"

EK_MATH float ek_cosf(float x)
{
    if (ek_isinf(x) || ek_isnan(x)) {
        return ek_nan();
    }
    return ek_sin_turned(ek_trig_reduce(x), 1);
}

#endif
