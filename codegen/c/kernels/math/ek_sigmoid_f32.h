/* The logistic function 1 / (1 + e^-x), with full relative precision for negative x too.
 * Error: ek_sigmoidf 2.5 ULP */
#ifndef EK_SIGMOID_F32_H
#define EK_SIGMOID_F32_H

#include "ek_exp_f32.h"

EK_MATH float ek_sigmoidf(float x)
{
    const float power = ek_expf(-ek_fabsf(x));
    if (power < 2.98023224e-8f) { /* 1 + power is 1 */
        return x < 0.0f ? power : 1.0f;
    }
    return (x < 0.0f ? power : 1.0f) / (1.0f + power);
}

#endif
