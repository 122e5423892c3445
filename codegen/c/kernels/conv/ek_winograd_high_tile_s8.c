/* Tiles of outputs that are scaled in the ways of ek_high_word.h. A sum becomes the filter's own by a
 * multiplication by a->factor, a third of 1 modulo 2^32, and a shift. `add` is the smallest output,
 * `subtract` the largest. */
#include "ek_high_word.h"
#include "ek_winograd_sums.h"

EK_INLINE int8_t ek_winograd_scale_high(const ek_winograd_tile *a, const int32_t *q, uint32_t sum)
{
    const int32_t acc = (int32_t)(sum * (uint32_t)a->factor) >> 3;
    const int is_signed = (a->tail & EK_WINOGRAD_SIGNED) != 0;
    const int32_t value = is_signed ? ek_high_word_signed(acc, q, a->zero) : ek_high_word(acc, q);
    return (int8_t)ek_clamp_i32(value, a->add, a->subtract);
}

EK_KERNEL void ek_winograd_high_tile_s8(const ek_winograd_tile *a)
{
    ek_winograd_blocks(a, 0, ek_winograd_scale_high);
}
