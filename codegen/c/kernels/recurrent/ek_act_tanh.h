/* Hyperbolic tangent as an activation. */
#ifndef EK_ACT_TANH_H
#define EK_ACT_TANH_H

#include "ek_tanh_f32.h"

static inline float ek_act_scaled_tanh(float x, float alpha, float beta)
{
    return alpha * ek_tanhf(beta * x);
}

static inline float ek_act_tanh(float x, float alpha, float beta)
{
    (void)alpha;
    (void)beta;
    return ek_tanhf(x);
}

#endif
