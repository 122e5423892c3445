/* A dense layer of int16 by blocks of filters as readable C. For each block the table holds what its sums
 * start with, then its multipliers. Sums of 32 bits suffice, which is checked when a layer
 * is emitted. */
#include "ek_dense_blocks.h"
#include "ek_narrow.h"

EK_KERNEL void ek_dense_blocks_s16(const ek_dense_blocks *d, const int16_t *x, int16_t *y)
{
    const int8_t *weights = d->weights;
    const int32_t *q = d->table;
    for (int32_t block = 0; block < d->blocks; ++block) {
        y -= block == d->blocks - 1 ? d->back : 0;
        for (int32_t f = 0; f < d->filters; ++f) {
            int32_t sum = q[f];
            for (int32_t i = 0; i < d->depth; ++i) {
                sum += x[i] * (int8_t)(weights[i * d->filters + f] ^ d->flip);
            }
            const int32_t scale = q[d->filters + f];
            *y++ = ek_narrow_s16(sum, d->packed ? ek_narrow_unpacked(scale) : scale, d->low);
        }
        q += 2 * d->filters;
        weights += d->depth * d->filters;
    }
}
