/* Softplus as an activation. */
#ifndef EK_ACT_SOFTPLUS_H
#define EK_ACT_SOFTPLUS_H

#include "ek_softplus_f32.h"

static inline float ek_act_softplus(float x, float alpha, float beta)
{
    (void)alpha;
    (void)beta;
    return ek_softplusf(x);
}

#endif
