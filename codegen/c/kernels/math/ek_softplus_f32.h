/* softplus: log(1 + e^x), without overflow and with full relative precision.
 * Error: ek_softplusf 1.8 ULP */
#ifndef EK_SOFTPLUS_F32_H
#define EK_SOFTPLUS_F32_H

#include "ek_exp_f32.h"
#include "ek_log1p_f32.h"

EK_MATH float ek_softplusf(float x)
{
    return (x > 0.0f ? x : 0.0f) + ek_log1pf(ek_expf(-ek_fabsf(x)));
}

#endif
