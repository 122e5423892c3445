/* Packed columns against every filter: the outputs of up to six neighbouring pixels.
 *
 * The last block of filters overlaps the one before it where their number is no multiple of
 * EK_PACKED_FILTERS.
 *
 * words    one column for each position
 * y        the first pixel's outputs
 * pixels   how many are left: the six, or fewer
 */
#include "ek_packed.h"
#include "ek_scaled.h"

EK_KERNEL void ek_packed_block_s8(const ek_packed *p, const uint32_t *words, int8_t *y,
                                  int32_t pixels)
{
    const int8_t *weights = p->weights;
    for (int32_t c = 0; c < p->filters; c += EK_PACKED_FILTERS) {
        const int32_t end = p->filters - EK_PACKED_FILTERS;
        const int32_t first = c < end ? c : end;
        for (int32_t j = 0; j < EK_PACKED_FILTERS; ++j) {
            uint32_t sums[EK_PACKED_SLOTS];
            ek_packed_sums(words, weights + j, p->positions, sums);
            for (int32_t i = 0; i < EK_PACKED_SLOTS && i < pixels; ++i) {
                y[i * p->filters + first + j] =
                    ek_scaled(sums[i] << 11, p->table + 3 * (first + j), p->low, p->top);
            }
        }
        weights += EK_PACKED_FILTERS * p->positions;
    }
}
