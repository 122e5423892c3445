/* asinhf and acoshf: logarithms, and a polynomial for asinh below 1/2. acosh below 1 is NaN.
 * Error: ek_asinhf 1.9 ULP, ek_acoshf 2.0 ULP */
#ifndef EK_ASINH_F32_H
#define EK_ASINH_F32_H

#include "ek_log1p_f32.h"
#include "ek_sqrt_f32.h"

EK_MATH float ek_asinhf(float x)
{
    const float a = ek_fabsf(x);
    const float z = a * a;
    if (!(a >= 0.5f)) { /* NaN as well */
        float p = 9.2562763e-3f;
        p = p * z - 2.00494472e-2f;
        p = p * z + 3.00335567e-2f;
        p = p * z - 4.46160957e-2f;
        p = p * z + 7.49990717e-2f;
        p = p * z - 0.166666657f;
        return ek_copysignf(a + a * (z * p), x);
    }
    float y;
    if (a < 2.0f) {
        y = ek_log1pf(a + z / (1.0f + ek_sqrtf(1.0f + z)));
    } else if (a < 16384.0f) {
        y = ek_logf(2.0f * a + 1.0f / (ek_sqrtf(z + 1.0f) + a));
    } else {
        y = ek_log_scaled(a, 1);
    }
    return ek_copysignf(y, x);
}

EK_MATH float ek_acoshf(float x)
{
    if (!(x >= 1.0f)) {
        return ek_nan();
    }
    if (x < 2.0f) {
        const float t = x - 1.0f;
        return ek_log1pf(t + ek_sqrtf(2.0f * t + t * t));
    }
    if (x < 16384.0f) {
        return ek_logf(2.0f * x - 1.0f / (x + ek_sqrtf(x * x - 1.0f)));
    }
    return ek_log_scaled(x, 1);
}

#endif
