/* As ek_packed_part_s8, each filter's weights as a list of those that are not zero.
 *
 * words  one column for each position of the part
 * sums   filters x EK_PACKED_SLOTS; each call adds 2^20 to every one
 */
#include "ek_packed.h"

EK_KERNEL void ek_packed_listed_part_s8(const ek_packed *p, const uint32_t *words, uint32_t *sums)
{
    const int8_t *list = p->weights;
    for (int32_t c = 0; c < p->filters; ++c) {
        uint32_t part[EK_PACKED_SLOTS];
        list = ek_packed_listed_sums(words, list, part);
        for (int32_t i = 0; i < EK_PACKED_SLOTS; ++i) {
            *sums++ += part[i];
        }
    }
}
