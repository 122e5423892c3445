/* Exponential linear unit as an activation. */
#ifndef EK_ACT_ELU_H
#define EK_ACT_ELU_H

#include "ek_expm1_f32.h"

static inline float ek_act_elu(float x, float alpha, float beta)
{
    (void)beta;
    return x >= 0.0f ? x : alpha * ek_expm1f(x);
}

#endif
