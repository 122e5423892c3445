/* Four columns of int16 taps to some filters: the readable equal of the Armv7E-M functions. Pairs of taps
 * of the four columns come in turn; bytes of a word of weights are taps 0, 2, 1, 3. Sums of 32 bits
 * suffice, which is checked when a layer is emitted. */
#include "ek_columns_s16.h"

EK_INLINE void ek_columns_multiply(int32_t word, const int16_t *x, int32_t sums[EK_COLUMNS])
{
    for (int32_t tap = 0; tap < 4; ++tap) {
        const int32_t byte = 2 * (tap & 1) + (tap >> 1);
        const int32_t weight = (int8_t)(((uint32_t)word >> (8 * byte)) & 0xffu);
        for (int32_t p = 0; p < EK_COLUMNS; ++p) {
            sums[p] += weight * x[2 * EK_COLUMNS * (tap >> 1) + 2 * p + (tap & 1)];
        }
    }
}

EK_KERNEL void ek_columns_s16(const ek_columns *a, const int16_t *x, int16_t *y)
{
    const int32_t *from = a->from;
    int32_t *to = a->to;
    for (const int32_t *w = a->weights; w < a->end;) {
        int32_t sums[EK_COLUMNS];
        const int32_t start = from == NULL ? *w++ : 0;
        for (int32_t p = 0; p < EK_COLUMNS; ++p) {
            sums[p] = from == NULL ? start : *from++;
        }
        for (int32_t i = 0; i < 2 * a->groups; ++i) {
            ek_columns_multiply(*w++, x + 4 * EK_COLUMNS * i, sums);
        }
        if (to != NULL) {
            for (int32_t p = 0; p < EK_COLUMNS; ++p) {
                *to++ = sums[p];
            }
            continue;
        }
        y[0] = ek_narrow_s16(sums[0], *w, a->low);
        y[a->n1] = ek_narrow_s16(sums[1], *w, a->low);
        y[a->n2] = ek_narrow_s16(sums[2], *w, a->low);
        y[a->n3] = ek_narrow_s16(sums[3], *w++, a->low);
        ++y;
    }
}
