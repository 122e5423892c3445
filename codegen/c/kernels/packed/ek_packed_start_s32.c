/* What sums over parts begin with. */
#include "ek_packed.h"

EK_KERNEL void ek_packed_start_s32(const ek_packed *p, uint32_t *sums)
{
    const int32_t count = EK_PACKED_SLOTS * p->filters;
    for (int32_t i = 0; i < count; ++i) {
        sums[i] = (uint32_t)p->start;
    }
}
