/* Integer division and powers for every operand: numbers wrap around, division by 0 gives 0. */
#ifndef EK_INTEGER_H
#define EK_INTEGER_H

#include "ek_common.h"

#define EK_INTEGER_FUNCTIONS(signed_t, unsigned_t, width)                                     \
    EK_INLINE signed_t ek_div_i##width(signed_t a, signed_t b)                                \
    {                                                                                         \
        if (b == 0 || b == -1) {                                                              \
            return b == 0 ? 0 : (signed_t)(0 - (unsigned_t)a);                                \
        }                                                                                     \
        return a / b;                                                                         \
    }                                                                                         \
    EK_INLINE signed_t ek_mod_i##width(signed_t a, signed_t b)                                \
    {                                                                                         \
        return b == 0 || b == -1 ? 0 : a % b;                                                 \
    }                                                                                         \
    EK_INLINE signed_t ek_floor_div_i##width(signed_t a, signed_t b)                          \
    {                                                                                         \
        const signed_t rest = ek_mod_i##width(a, b);                                          \
        return ek_div_i##width(a, b) - (rest != 0 && (rest < 0) != (b < 0) ? 1 : 0);          \
    }                                                                                         \
    EK_INLINE signed_t ek_floor_mod_i##width(signed_t a, signed_t b)                          \
    {                                                                                         \
        const signed_t rest = ek_mod_i##width(a, b);                                          \
        return rest != 0 && (rest < 0) != (b < 0) ? rest + b : rest;                          \
    }                                                                                         \
    EK_INLINE unsigned_t ek_pow_u##width(unsigned_t a, unsigned_t b)                          \
    {                                                                                         \
        unsigned_t y = 1;                                                                     \
        for (; b != 0; b >>= 1) {                                                             \
            y *= (b & 1) != 0 ? a : 1;                                                        \
            a *= a;                                                                           \
        }                                                                                     \
        return y;                                                                             \
    }                                                                                         \
    EK_INLINE signed_t ek_pow_i##width(signed_t a, signed_t b)                                \
    {                                                                                         \
        if (b < 0) { /* 1 / a^-b, towards zero */                                             \
            return a == 1 || a == -1 ? ((b & 1) != 0 ? a : 1) : 0;                            \
        }                                                                                     \
        return (signed_t)ek_pow_u##width((unsigned_t)a, (unsigned_t)b);                       \
    }

EK_INTEGER_FUNCTIONS(int32_t, uint32_t, 32)
EK_INTEGER_FUNCTIONS(int64_t, uint64_t, 64)

#endif
