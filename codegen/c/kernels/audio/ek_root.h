/* Square root of an integer, rounded to the nearest. */
#ifndef EK_ROOT_H
#define EK_ROOT_H

#include "ek_common.h"

/* x below 2^62. */
EK_INLINE uint32_t ek_root_u64(uint64_t x)
{
    uint64_t rest = x, root = 0, bit = UINT64_C(1) << 62;
    while (bit > x) {
        bit >>= 2;
    }
    for (; bit != 0; bit >>= 2) {
        if (rest >= root + bit) {
            rest -= root + bit;
            root = (root >> 1) + bit;
        } else {
            root >>= 1;
        }
    }
    return (uint32_t)(root + (rest > root ? 1u : 0u));
}

#endif
