/* expm1f: e^x - 1 without the loss of digits near 0.
 *
 * 2^n (e^r - 2^-n) with 1 - 2^-n + r summed exactly; the reduction is that of expf.
 * Error: ek_expm1f 1.3 ULP */
#ifndef EK_EXPM1_F32_H
#define EK_EXPM1_F32_H

#include "ek_exp_f32.h"

EK_MATH float ek_expm1f(float x)
{
    if (!(x < 90.0f)) {
        return ek_isnan(x) ? x : EK_INFINITY;
    }
    if (x < -18.0f) {
        return -1.0f;
    }
    if (ek_fabsf(x) < 2.98023224e-8f) { /* keeps -0 and subnormals */
        return x;
    }
    const ek_exp_reduced p = ek_exp_reduce(x);
    const float base = p.n > 30 ? 1.0f : 1.0f - ek_power_of_two(-p.n);
    const float sum = base + p.r; /* |base| is 0 or larger than |r| */
    const float lost = p.n == 0 ? 0.0f : (base - sum) + p.r;
    return ek_scale(sum + (lost + (ek_exp_rest(p.r) + p.low)), p.n);
}

#endif
