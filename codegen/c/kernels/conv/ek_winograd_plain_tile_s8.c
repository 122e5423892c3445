/* Tiles of outputs that are scaled in the ways of ek_scaled.h. The sums start with 24 times half of a
 * field, and become that field at the top of a word when they are multiplied by a->factor, a power of
 * two divided by 24 modulo 2^32. `add` is the smallest output, `subtract` the largest less it. */
#include "ek_scaled.h"
#include "ek_winograd_sums.h"

EK_INLINE int8_t ek_winograd_scale_field(const ek_winograd_tile *a, const int32_t *q, uint32_t sum)
{
    const uint32_t field = sum * (uint32_t)a->factor;
    if (a->tail == EK_WINOGRAD_SIGNED) {
        return ek_scaled_signed(field, q, a->add, a->subtract, a->zero);
    }
    return ek_scaled(field, q, a->add, a->subtract);
}

EK_KERNEL void ek_winograd_plain_tile_s8(const ek_winograd_tile *a)
{
    ek_winograd_blocks(a, 0, ek_winograd_scale_field);
}
