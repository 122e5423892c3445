/* Two columns of a matrix as halfwords, less its zero point: the readable equal of the Armv8.1-M
 * function. */
#include "ek_matmul_pair.h"

EK_KERNEL void ek_matmul_fill_s8(const ek_matmul_source *s, const int8_t *b, int16_t *panel,
                                 int32_t *sums)
{
    sums[0] = 0;
    sums[1] = 0;
    for (int32_t i = 0; i < s->depth; ++i, b += s->columns) {
        int16_t *to = panel + i / EK_STEP * 2 * EK_STEP + i % EK_STEP;
        to[0] = (int16_t)(b[0] - s->zero);
        to[EK_STEP] = (int16_t)(b[1] - s->zero);
        sums[0] += to[0];
        sums[1] += to[EK_STEP];
    }
}
