/* A dense layer by blocks of filters as readable C, outputs rounded once. */
#include "ek_dense_blocks.h"

EK_KERNEL void ek_dense_blocks_s8(const ek_dense_blocks *d, const int8_t *x, int8_t *y)
{
    ek_dense_blocks_any(d, x, y, 0);
}
