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
#include "ek_list.h"

#define EK_PACKED_SLOTS 6 /* pixels that are computed together: two triples */
#define EK_PACKED_WORDS 4
#define EK_PACKED_FILTERS 4
#define EK_PACKED_FIRST 0x00100000u  /* 2^20 */
#define EK_PACKED_SECOND 0x40100000u /* 2^20 + 2^10 * 2^20 */
#define EK_PACKED_MASK 0x001fffffu

/* A layer, or the part of it that covers some positions of the window. */
typedef struct {
    const int8_t *weights; /* blocks of filters x positions x EK_PACKED_FILTERS; or ek_list.h */
    const int32_t *table;  /* per filter: multiplier, offset, shift */
    int32_t positions;     /* a multiple of 4 */
    int32_t filters;
    int32_t low, top; /* smallest output, and the largest less the smallest */
    int32_t zero;     /* see EK_SCALED_SIGNED */
    int32_t start;    /* of sums over several parts */
    int32_t left;     /* shift that brings such a sum to the top of a word */
} ek_packed;

/* Products of six pixels with one weight. */
EK_INLINE void ek_packed_add(const uint32_t *words, int32_t weight, uint32_t total[EK_PACKED_WORDS])
{
    for (int32_t i = 0; i < EK_PACKED_WORDS; ++i) {
        total[i] += words[i] * (uint32_t)weight;
    }
}

EK_INLINE void ek_packed_begin(uint32_t total[EK_PACKED_WORDS])
{
    for (int32_t i = 0; i < EK_PACKED_WORDS; i += 2) {
        total[i] = EK_PACKED_FIRST;
        total[i + 1] = EK_PACKED_SECOND;
    }
}

EK_INLINE void ek_packed_unpack(const uint32_t total[EK_PACKED_WORDS],
                                uint32_t sums[EK_PACKED_SLOTS])
{
    for (int32_t i = 0; i < 2; ++i) {
        const uint32_t low = total[2 * i] >> 21;
        const uint32_t second = total[2 * i + 1] - (low << 10);
        sums[3 * i] = total[2 * i] & EK_PACKED_MASK;
        sums[3 * i + 1] = second & EK_PACKED_MASK;
        sums[3 * i + 2] = ((second >> 21) << 11) + low;
    }
}

/* Products of six pixels with one filter. */
EK_INLINE void ek_packed_sums(const uint32_t *words, const int8_t *weights, int32_t positions,
                              uint32_t sums[EK_PACKED_SLOTS])
{
    uint32_t total[EK_PACKED_WORDS];
    ek_packed_begin(total);
    for (int32_t k = 0; k < positions; ++k) {
        ek_packed_add(words + EK_PACKED_WORDS * k, weights[k * EK_PACKED_FILTERS], total);
    }
    ek_packed_unpack(total, sums);
}

/* The same from a list of the filter's weights; returns the next list. */
EK_INLINE const int8_t *ek_packed_listed_sums(const uint32_t *words, const int8_t *list,
                                              uint32_t sums[EK_PACKED_SLOTS])
{
    uint32_t total[EK_PACKED_WORDS];
    ek_packed_begin(total);
    for (int32_t i = 0; i < ek_list_count(list); ++i) {
        ek_packed_add(words + EK_PACKED_WORDS * ek_list_place(list, i), ek_list_weight(list, i),
                      total);
    }
    ek_packed_unpack(total, sums);
    return ek_list_next(list);
}

#endif
