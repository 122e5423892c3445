/* As ek_packed_block_s8, each filter's weights as a list of those that are not zero.
 *
 * words    one column for each position
 * y        the first pixel's outputs
 * pixels   how many are left: the six, or fewer
 */
#include "ek_packed.h"
#include "ek_scaled.h"

EK_KERNEL void ek_packed_listed_s8(const ek_packed *p, const uint32_t *words, int8_t *y,
                                   int32_t pixels)
{
    const int8_t *list = p->weights;
    for (int32_t c = 0; c < p->filters; ++c) {
        uint32_t sums[EK_PACKED_SLOTS];
        list = ek_packed_listed_sums(words, list, sums);
        for (int32_t i = 0; i < EK_PACKED_SLOTS && i < pixels; ++i) {
            y[i * p->filters + c] = ek_scaled(sums[i] << 11, p->table + 3 * c, p->low, p->top);
        }
    }
}
