/* Requantization by the high word of one 64-bit product (quantize/high_word.py).
 *
 * q holds the multiplier and a 64-bit constant, low word first; the low byte of the constant is
 * the shift. Where q[0] is negative, the form is that of quantize/two_products.py: both parts of the
 * multiplier, a constant, a shift; the output has 128 too much. */
#ifndef EK_HIGH_WORD_H
#define EK_HIGH_WORD_H

#include "ek_common.h"

EK_INLINE int64_t ek_high_word_product(int32_t acc, const int32_t *q)
{
    /* Added without sign: the words of the constant are one number. */
    const uint64_t constant = ((uint64_t)(uint32_t)q[2] << 32) | (uint32_t)q[1];
    return (int64_t)((uint64_t)((int64_t)acc * q[0]) + constant);
}

/* Not yet clamped. */
EK_INLINE int32_t ek_high_word(int32_t acc, const int32_t *q)
{
    if (q[0] < 0) {
        const int32_t both = acc * (q[0] & 0xffff) + (acc * (q[0] >> 16 & 0x7fff) >> 11);
        return ((both + q[1]) >> q[2]) - 128;
    }
    return (int32_t)(ek_high_word_product(acc, q) >> 32) >> (q[1] & 31);
}

/* The form that rounds twice; offset is 2 * zero point + 1. Not yet clamped. */
EK_INLINE int32_t ek_high_word_signed(int32_t acc, const int32_t *q, int32_t offset)
{
    const int32_t shift = q[1] & 31;
    const int32_t x = (int32_t)(ek_high_word_product(acc, q) >> 31);
    const int32_t half = (int32_t)((uint32_t)offset << shift) >> 1;
    return (x + (x >> 31) + half) >> shift;
}

#endif
