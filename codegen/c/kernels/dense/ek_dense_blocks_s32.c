/* Sums of a dense layer by blocks of filters as readable C; the table holds what they start with. */
#include "ek_dense_blocks.h"

EK_KERNEL void ek_dense_blocks_s32(const ek_dense_blocks *d, const int8_t *x, int32_t *y)
{
    const int8_t *weights = d->weights;
    const int32_t *q = d->table;
    for (int32_t block = 0; block < d->blocks; ++block) {
        y -= block == d->blocks - 1 ? d->back : 0;
        for (int32_t f = 0; f < d->filters; ++f) {
            *y++ = *q++ + ek_dense_blocks_sum(d, x, weights + f);
        }
        weights += d->depth * d->filters;
    }
}
