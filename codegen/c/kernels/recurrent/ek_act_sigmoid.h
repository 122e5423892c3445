/* Sigmoid as an activation. */
#ifndef EK_ACT_SIGMOID_H
#define EK_ACT_SIGMOID_H

#include "ek_sigmoid_f32.h"

static inline float ek_act_sigmoid(float x, float alpha, float beta)
{
    (void)alpha;
    (void)beta;
    return ek_sigmoidf(x);
}

#endif
