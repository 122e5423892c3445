/* Depthwise 3x3 convolutions, a row or two at a time. */
#ifndef EK_DEPTHWISE3_H
#define EK_DEPTHWISE3_H

#include "ek_scaled.h"

typedef struct {
    const int8_t *weights; /* channels x 9 */
    const int32_t *table;  /* per channel: multiplier, offset, shift */
    int32_t channels;
    int32_t zero; /* of the input */
    int32_t top;  /* as ek_scaled_sum takes it */
    int32_t low;
    int32_t width; /* of the output */
    int32_t pitch; /* bytes of an input row */
} ek_depthwise3;

/* Sum of one window of one channel, x being its middle; missing inputs are the zero point.
 * first, end: rows of the window that are there; from, to: the same of columns. */
EK_INLINE uint32_t ek_depthwise3_sum(const ek_depthwise3 *p, const int8_t *x, const int8_t *w,
                                     int32_t first, int32_t end, int32_t from, int32_t to)
{
    int32_t sum = 0;
    for (int32_t ky = 0; ky < 3; ++ky) {
        for (int32_t kx = 0; kx < 3; ++kx) {
            const int known = ky >= first && ky < end && kx >= from && kx < to;
            sum += (known ? x[(ky - 1) * p->pitch + (kx - 1) * p->channels] : p->zero) * *w;
            ++w;
        }
    }
    return (uint32_t)sum;
}

/* Sums of nine products have 19 bits. */
EK_INLINE int8_t ek_depthwise3_output(const ek_depthwise3 *p, uint32_t sum, int32_t channel)
{
    return ek_scaled_sum((int32_t)(sum << 13), p->table + 3 * channel, p->low, p->top);
}

#endif
