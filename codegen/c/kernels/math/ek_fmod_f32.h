/* fmodf: x - y * trunc(x / y), exact. Long division of the significands, eight bits a step.
 * Error: ek_fmodf 0 ULP */
#ifndef EK_FMOD_F32_H
#define EK_FMOD_F32_H

#include "ek_bits_f32.h"

EK_MATH float ek_fmodf(float x, float y)
{
    const uint32_t a = ek_to_bits(x) & ~EK_SIGN;
    const uint32_t b = ek_to_bits(y) & ~EK_SIGN;
    int32_t ea;
    int32_t eb;
    if (a >= 0x7F800000u || b > 0x7F800000u || b == 0) {
        return ek_nan();
    }
    if (a < b) {
        return x;
    }
    const uint32_t divisor = ek_significand(b, &eb);
    uint32_t rest = ek_significand(a, &ea) % divisor;
    while (ea > eb) {
        const int32_t step = ea - eb < 8 ? ea - eb : 8;
        rest = (rest << step) % divisor;
        ea -= step;
    }
    if (rest == 0) {
        return ek_copysignf(0.0f, x);
    }
    while (rest < 0x800000u && eb > 1) {
        rest <<= 1;
        --eb;
    }
    if (eb < 1) { /* the result is subnormal, as y was */
        rest >>= 1 - eb;
        eb = 1;
    }
    return ek_copysignf(ek_from_bits(rest + ((uint32_t)(eb - 1) << 23)), x);
}

#endif
