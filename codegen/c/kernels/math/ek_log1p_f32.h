/* log1pf: log(1 + x) without the loss of digits near 0. log1p(-1) is -infinity, below it NaN.
 *
 * What rounding 1 + x loses is added to the logarithm as lost / (1 + x).
 * Error: ek_log1pf 0.9 ULP */
#ifndef EK_LOG1P_F32_H
#define EK_LOG1P_F32_H

#include "ek_log_f32.h"

EK_MATH float ek_log1pf(float x)
{
    if (!(x > -1.0f) || ek_isinf(x)) {
        return x > 0.0f || ek_isnan(x) ? x : (x == -1.0f ? -EK_INFINITY : ek_nan());
    }
    if (ek_fabsf(x) < 2.98023224e-8f) { /* keeps -0 and subnormals */
        return x;
    }
    if (x > -0.29f && x < 0.41f) {
        return ek_log_sum(x, 0, 0.0f);
    }
    const float u = 1.0f + x;
    const float lost = x > 1.0f ? 1.0f - (u - x) : x - (u - 1.0f);
    int32_t k;
    const float m = ek_log_reduce(u, &k);
    return ek_log_sum(m - 1.0f, k, lost / u);
}

#endif
