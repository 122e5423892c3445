/* Tiles of outputs whose sums start with a constant of each filter; they are scaled in the ways of
 * ek_pairs.h, `add` and `subtract` as there. */
#include "ek_winograd_sums.h"

#define EK_WINOGRAD_THIRD 0xAAAAAAABu /* three times this is 1 modulo 2^32 */

EK_INLINE int8_t ek_winograd_scale(const ek_winograd_tile *a, const int32_t *q, uint32_t sum)
{
    if (a->tail == EK_PAIRS_TWICE) {
        /* eight times the sum: exact, as the sum is a multiple of three */
        const int32_t whole = (int32_t)(sum * EK_WINOGRAD_THIRD) >> 3;
        return ek_pairs_scale(a->tail, 0, q, whole, 0, a->zero, 0, 0);
    }
    if (a->tail == EK_WINOGRAD_TWICE) {
        const int32_t x = (int32_t)sum;
        const int32_t high = ek_smmlar(x, q[0], a->zero * (1 << (q[1] - 1))) + (x >> 31);
        return (int8_t)ek_clamp_i32(high >> q[1], -128, 127);
    }
    return ek_pairs_scale(a->tail, 0, q, (int32_t)sum, EK_WINOGRAD_SHIFT, 0, a->add, a->subtract);
}

EK_KERNEL void ek_winograd_tile_s8(const ek_winograd_tile *a)
{
    ek_winograd_blocks(a, EK_WINOGRAD_FILTERS, ek_winograd_scale);
}
