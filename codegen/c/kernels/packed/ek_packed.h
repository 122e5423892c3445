/* Three sums of products in two words.
 *
 * A multiplication modulo 2^32 by a weight w works on every number that is packed into its other
 * operand, as long as the sums stay apart. Three bytes a, b, c of three pixels become
 *
 *     first  = a + c * 2^21        second = b + c * 2^10
 *
 * and after adding up products with weights, A in [-2^20, 2^20) is read from the low bits of the
 * first sum, the low 11 bits of C above it; B and the rest of C from the second sum. Two
 * multiplications and two additions so make three products each. All sums start with 2^20 added,
 * which makes every field unsigned.
 */
#ifndef EK_PACKED_H
#define EK_PACKED_H

#include "ek_common.h"

#define EK_PACKED_SLOTS 6 /* pixels that are computed together: two triples */
#define EK_PACKED_WORDS 4
#define EK_PACKED_FILTERS 4
#define EK_PACKED_FIRST 0x00100000u  /* 2^20 */
#define EK_PACKED_SECOND 0x40100000u /* 2^20 + 2^10 * 2^20 */
#define EK_PACKED_MASK 0x001fffffu

/* A layer, or the part of it that covers some positions of the window. */
typedef struct {
    const int8_t *weights; /* blocks of filters x positions x EK_PACKED_FILTERS */
    const int32_t *table;  /* per filter: multiplier, offset, shift */
    int32_t positions;     /* a multiple of 4 */
    int32_t filters;
    int32_t low, top; /* smallest output, and the largest less the smallest */
    int32_t zero;     /* see EK_SCALED_SIGNED */
    int32_t start;    /* of sums over several parts */
    int32_t left;     /* shift that brings such a sum to the top of a word */
} ek_packed;

/* Products of six pixels with one filter. */
EK_INLINE void ek_packed_sums(const uint32_t *words, const int8_t *weights, int32_t positions,
                              uint32_t sums[EK_PACKED_SLOTS])
{
    uint32_t total[EK_PACKED_WORDS] = {EK_PACKED_FIRST, EK_PACKED_SECOND, EK_PACKED_FIRST,
                                       EK_PACKED_SECOND};
    for (int32_t k = 0; k < positions; ++k) {
        const uint32_t w = (uint32_t)(int32_t)weights[k * EK_PACKED_FILTERS];
        for (int32_t i = 0; i < EK_PACKED_WORDS; ++i) {
            total[i] += words[i] * w;
        }
        words += EK_PACKED_WORDS;
    }
    for (int32_t i = 0; i < 2; ++i) {
        const uint32_t low = total[2 * i] >> 21;
        const uint32_t second = total[2 * i + 1] - (low << 10);
        sums[3 * i] = total[2 * i] & EK_PACKED_MASK;
        sums[3 * i + 1] = second & EK_PACKED_MASK;
        sums[3 * i + 2] = ((second >> 21) << 11) + low;
    }
}

#endif
