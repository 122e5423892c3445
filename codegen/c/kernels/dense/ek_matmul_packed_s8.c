/* int8 product of six packed rows with all columns (ek_matmul_packed.h): as readable C. */
#include "ek_matmul_packed.h"

EK_KERNEL void ek_matmul_packed_s8(const ek_matmul_packed *p, const uint32_t *words,
                                   const int8_t *b, int8_t *y)
{
    for (int32_t c = 0; c < p->columns; ++c) {
        for (int32_t row = 0; row < EK_PACKED_SLOTS; ++row) {
            const uint32_t field = ek_matmul_packed_field(p, words, b, row, c);
            y[p->next[row] + c] = ek_scaled(field, p->table, p->low, p->top);
        }
    }
}
