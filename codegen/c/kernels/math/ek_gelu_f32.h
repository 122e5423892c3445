/* gelu in its exact form x Phi(x), Phi the normal distribution, with full relative precision for
 * negative x too.
 *
 * Phi is a polynomial up to 1, from there Phi(-a) = e^(-a^2/2) t P(t), t = 1 / (1 + 0.3 a); the
 * rounding of a^2, which the exponential would blow up, is made good.
 * Error: ek_geluf 6.5 ULP */
#ifndef EK_GELU_F32_H
#define EK_GELU_F32_H

#include "ek_exp_f32.h"
#include "ek_pair_f32.h"

/* a Phi(-a) for a in [1, 15]; the exponential may be subnormal, so it comes last. */
EK_INLINE float ek_gelu_tail(float a)
{
    const float d = 1.0f + 0.3f * a;
    const float t = 1.0f / d;
    const ek_pair square = ek_pair_exact_product(a, a);
    float p = 0.0253109075f;
    p = p * t - 0.0688332617f;
    p = p * t + 0.0263939593f;
    p = p * t + 0.0276643541f;
    p = p * t + 0.0513720587f;
    p = p * t + 0.0904672965f;
    p = p * t + 0.10821265f;
    p = p * t + 0.11976257f;
    p = p * t + 0.119678974f;
    const float head = a / d * p;
    return ek_expf(-0.5f * square.high) * (head - head * (0.5f * square.low));
}

EK_MATH float ek_geluf(float x)
{
    const float a = ek_fabsf(x);
    if (!(a < 15.0f)) { /* NaN as well; Phi(-15) is below every float32 */
        return x < 0.0f ? -0.0f : x;
    }
    if (a < 1.0f) {
        const float z = x * x;
        float p = -8.61804256e-6f;
        p = p * z + 1.16169016e-4f;
        p = p * z - 1.18905387e-3f;
        p = p * z + 9.97453928e-3f;
        p = p * z - 6.64905831e-2f;
        p = p * z + 0.398942292f;
        return x * (0.5f + x * p);
    }
    const float rest = ek_gelu_tail(a);
    return ek_signbit(x) ? -rest : x - rest;
}

#endif
