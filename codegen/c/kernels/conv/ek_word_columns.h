/* Four columns of int16 taps, each in a word, to some filters: the readable equal of functions of cores
 * without dual products. A tap's words of the four columns lie side by side. Sums of 32 bits suffice, which
 * is checked when a layer is emitted. */
#ifndef EK_WORD_COLUMNS_H
#define EK_WORD_COLUMNS_H

#include "ek_columns_s16.h"

/* One filter of those that are computed together, whose bytes lie `apart`; they hold weight + flip. */
EK_INLINE void ek_word_columns_sums(const int8_t *w, int32_t apart, int32_t flip, int32_t taps,
                                    const int32_t *x, int32_t sums[EK_COLUMNS])
{
    for (int32_t tap = 0; tap < taps; ++tap) {
        const int32_t weight = (int8_t)(w[apart * tap] ^ flip);
        for (int32_t p = 0; p < EK_COLUMNS; ++p) {
            sums[p] += weight * x[EK_COLUMNS * tap + p];
        }
    }
}

EK_INLINE void ek_word_columns(const ek_columns *a, const int16_t *columns, int16_t *y,
                               int32_t together, int32_t flip, int is_packed)
{
    const int32_t *x = (const int32_t *)(const void *)columns;
    const int32_t *from = a->from;
    int32_t *to = a->to;
    for (const int32_t *w = a->weights; w < a->end;) {
        const int32_t *start = w;
        w += from == NULL ? together : 0;
        const int8_t *weights = (const int8_t *)(const void *)w;
        w += together * 2 * a->groups;
        for (int32_t f = 0; f < together; ++f) {
            int32_t sums[EK_COLUMNS];
            for (int32_t p = 0; p < EK_COLUMNS; ++p) {
                sums[p] = from == NULL ? start[f] : *from++;
            }
            ek_word_columns_sums(weights + f, together, flip, 8 * a->groups, x, sums);
            if (to != NULL) {
                for (int32_t p = 0; p < EK_COLUMNS; ++p) {
                    *to++ = sums[p];
                }
                continue;
            }
            const int32_t scale = is_packed ? ek_narrow_unpacked(*w) : *w;
            ++w;
            y[0] = ek_narrow_s16(sums[0], scale, a->low);
            y[a->n1] = ek_narrow_s16(sums[1], scale, a->low);
            y[a->n2] = ek_narrow_s16(sums[2], scale, a->low);
            y[a->n3] = ek_narrow_s16(sums[3], scale, a->low);
            ++y;
        }
    }
}

#endif
