/* int8 product of four rows with all columns (ek_matmul_quads.h): as readable C. */
#include "ek_matmul_quads.h"

EK_KERNEL void ek_matmul_quads_s8(const ek_matmul_quads *p, const int16_t *x, const int8_t *b,
                                  int8_t *y)
{
    for (int32_t c = 0; c < p->columns; ++c) {
        for (int32_t row = 0; row < EK_ROWS; ++row) {
            const uint32_t field = ek_matmul_quads_field(p, x, b + c, row);
            y[p->next[row] + c] = ek_scaled(field, p->table, p->low, p->top);
        }
    }
}
