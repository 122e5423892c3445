/* Packed columns of one part of the window against every filter: added to the sums of six pixels.
 *
 * The filters are filled up to whole blocks with zeros.
 *
 * words  one column for each position of the part
 * sums   filters x EK_PACKED_SLOTS; each call adds 2^20 to every one
 */
#include "ek_packed.h"

EK_KERNEL void ek_packed_part_s8(const ek_packed *p, const uint32_t *words, uint32_t *sums)
{
    const int8_t *weights = p->weights;
    for (int32_t c = 0; c < p->filters; c += EK_PACKED_FILTERS) {
        for (int32_t j = 0; j < EK_PACKED_FILTERS; ++j) {
            uint32_t part[EK_PACKED_SLOTS];
            ek_packed_sums(words, weights + j, p->positions, part);
            for (int32_t i = 0; i < EK_PACKED_SLOTS; ++i) {
                *sums++ += part[i];
            }
        }
        weights += EK_PACKED_FILTERS * p->positions;
    }
}
