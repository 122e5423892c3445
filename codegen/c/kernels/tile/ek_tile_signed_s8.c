/* As ek_tile_s8, outputs rounded twice. */
#include "ek_tile_s8.h"

EK_KERNEL void ek_tile_signed_s8(ek_tile *t, const int8_t *const *x, int8_t *const *y,
                                 int32_t *partial)
{
    ek_tile_s8_pairs(t, x, y, partial, 1);
}
