/* log2f: exact for powers of two. log2(0) is -infinity, of negative numbers NaN.
 *
 * The logarithm of ek_log_f32.h in two parts, of which the first has 12 bits, times 1/ln 2 in two
 * parts.
 * Error: ek_log2f 1.0 ULP */
#ifndef EK_LOG2_F32_H
#define EK_LOG2_F32_H

#include "ek_log_f32.h"

EK_MATH float ek_log2f(float x)
{
    if (!(x > 0.0f) || ek_isinf(x)) {
        return x > 0.0f || ek_isnan(x) ? x : (x == 0.0f ? -EK_INFINITY : ek_nan());
    }
    int32_t k;
    const float f = ek_log_reduce(x, &k) - 1.0f;
    const float square = 0.5f * f * f;
    const float high = ek_from_bits(ek_to_bits(f - square) & 0xFFFFF000u);
    const float low = ((f - high) - square) + ek_log_rest(f);
    const float small = (low + high) * -1.76052854e-4f + low * 1.44287109f;
    return (float)k + (high * 1.44287109f + small);
}

#endif
