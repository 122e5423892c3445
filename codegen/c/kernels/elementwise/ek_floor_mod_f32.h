/* Remainder with the divisor's sign. */
#ifndef EK_FLOOR_MOD_F32_H
#define EK_FLOOR_MOD_F32_H

#include "ek_fmod_f32.h"

EK_INLINE float ek_floor_modf(float a, float b)
{
    const float rest = ek_fmodf(a, b);
    return rest != 0.0f && (rest < 0.0f) != (b < 0.0f) ? rest + b : rest;
}

#endif
