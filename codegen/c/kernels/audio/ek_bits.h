/* Bits that an integer needs. */
#ifndef EK_BITS_H
#define EK_BITS_H

#include "ek_common.h"

/* 0 for 0. */
EK_INLINE int32_t ek_bit_length(uint32_t x)
{
#if defined(__GNUC__)
    return x == 0 ? 0 : 32 - __builtin_clz(x);
#else
    int32_t bits = 0;
    for (; x != 0; x >>= 1) {
        ++bits;
    }
    return bits;
#endif
}

#endif
