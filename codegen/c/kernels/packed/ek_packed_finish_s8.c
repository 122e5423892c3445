/* The outputs of up to six pixels, from sums over all parts, which begin again.
 *
 * sums    filters x EK_PACKED_SLOTS
 * y       the first pixel's outputs
 * pixels  how many are left: the six, or fewer
 */
#include "ek_packed.h"
#include "ek_scaled.h"

EK_KERNEL void ek_packed_finish_s8(const ek_packed *p, uint32_t *sums, int8_t *y, int32_t pixels)
{
    const int32_t *table = p->table;
    for (int32_t c = 0; c < p->filters; ++c) {
        for (int32_t i = 0; i < EK_PACKED_SLOTS; ++i) {
            const uint32_t field = *sums << p->left;
            *sums++ = (uint32_t)p->start;
            if (i < pixels) {
                y[i * p->filters + c] =
                    ek_scaled(field, table, p->low, p->top);
            }
        }
        table += 3;
    }
}
