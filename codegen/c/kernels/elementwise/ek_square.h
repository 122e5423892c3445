/* Square of a number of at most 16 bits. */
#ifndef EK_SQUARE_H
#define EK_SQUARE_H

#include "ek_common.h"

EK_INLINE int32_t ek_square(int32_t x)
{
    return x * x;
}

#endif
