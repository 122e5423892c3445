/* Six pixels by pairs of filters, as readable C: what assembly of cores without byte products
 * computes. Outputs are rounded once. */
#include "ek_tile_s8.h"

EK_KERNEL void ek_tile_s8(ek_tile *t, const int8_t *const *x, int8_t *const *y,
                          int32_t *partial)
{
    ek_tile_s8_pairs(t, x, y, partial, 0);
}
