/* Sums of products of int16 and int8 numbers. */
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

/* The same of four rows of weights, `apart` from each other, added to their totals: a number is loaded
 * once for four products. */
EK_INLINE void ek_dots_s16(const int16_t *a, const int8_t *b, int32_t apart, int32_t count,
                           int64_t totals[4])
{
    const int8_t *b1 = b + apart, *b2 = b1 + apart, *b3 = b2 + apart;
    for (int32_t first = 0; first < count; first += EK_DOT_S16_BLOCK) {
        const int32_t rest = count - first;
        const int32_t end = first + (rest < EK_DOT_S16_BLOCK ? rest : EK_DOT_S16_BLOCK);
        int32_t s0 = 0, s1 = 0, s2 = 0, s3 = 0;
        for (int32_t i = first; i < end; ++i) {
            const int32_t value = a[i];
            s0 += value * b[i];
            s1 += value * b1[i];
            s2 += value * b2[i];
            s3 += value * b3[i];
        }
        totals[0] += s0;
        totals[1] += s1;
        totals[2] += s2;
        totals[3] += s3;
    }
}

#endif
