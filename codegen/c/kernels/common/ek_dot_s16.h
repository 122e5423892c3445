/* Sum of products of int16 and int8 numbers. */
#ifndef EK_DOT_S16_H
#define EK_DOT_S16_H

#include "ek_common.h"

#define EK_DOT_S16_BLOCK 256 /* products of 2^22 at most: 256 of them stay inside int32 */

EK_INLINE int64_t ek_dot_s16(const int16_t *a, const int8_t *b, int32_t count)
{
    int64_t total = 0;
    while (count > 0) {
        const int32_t block = count < EK_DOT_S16_BLOCK ? count : EK_DOT_S16_BLOCK;
        int32_t sum = 0;
        for (int32_t i = 0; i < block; ++i) {
            sum += a[i] * b[i];
        }
        total += sum;
        a += block;
        b += block;
        count -= block;
    }
    return total;
}

#endif
