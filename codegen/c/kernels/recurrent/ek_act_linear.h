/* Activations made of the basic operations. */
#ifndef EK_ACT_LINEAR_H
#define EK_ACT_LINEAR_H

#include "ek_common.h"

static inline float ek_act_affine(float x, float alpha, float beta)
{
    return alpha * x + beta;
}

static inline float ek_act_hard_sigmoid(float x, float alpha, float beta)
{
    return ek_clamp_f32(alpha * x + beta, 0.0f, 1.0f);
}

static inline float ek_act_leaky_relu(float x, float alpha, float beta)
{
    (void)beta;
    return x >= 0.0f ? x : alpha * x;
}

static inline float ek_act_relu(float x, float alpha, float beta)
{
    (void)alpha;
    (void)beta;
    return x > 0.0f ? x : 0.0f;
}

static inline float ek_act_softsign(float x, float alpha, float beta)
{
    (void)alpha;
    (void)beta;
    return x / (1.0f + (x < 0.0f ? -x : x));
}

static inline float ek_act_thresholded_relu(float x, float alpha, float beta)
{
    (void)beta;
    return x > alpha ? x : 0.0f;
}

#endif
