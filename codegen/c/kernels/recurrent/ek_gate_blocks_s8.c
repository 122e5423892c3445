/* Sums of a block of filters at a time over one vector: the readable equal of the RV32 functions. The
 * weights of an input lie side by side. */
#include "ek_gates.h"

EK_KERNEL void ek_gate_blocks_s8(const ek_gates *a, const int8_t *x, int32_t *sums)
{
    const int32_t block = 4 * a->units;
    for (int32_t group = 0; group < a->groups; ++group, sums += block) {
        const int32_t *w = a->weights + group * a->words;
        const int8_t *weights = (const int8_t *)(w + block);
        for (int32_t f = 0; f < block; ++f) {
            sums[f] = w[f];
            for (int32_t i = 0; i < a->steps; ++i) {
                sums[f] += x[i] * weights[i * block + f];
            }
        }
    }
}
