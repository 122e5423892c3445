/* As ek_dense_scaled_s8, with a correction of negative values. */
#include "ek_dense_scaled.h"

EK_KERNEL void ek_dense_scaled_signed_s8(const ek_dense_scaled *p, const int8_t *x, int8_t *y)
{
    const int8_t *lists = p->weights;
    for (int32_t c = 0; c < p->outputs; ++c) {
        const int32_t *table = p->table + 3 * c;
        const uint32_t field = ek_dense_scaled_sum(p, x, c, &lists) << p->left;
        y[c] = ek_scaled_signed(field, table, p->low, p->top, p->zero);
    }
}
