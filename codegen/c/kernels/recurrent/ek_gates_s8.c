/* Sums of eight filters at a time over one vector: the readable equal of the Armv8.1-M function. */
#include "ek_gates.h"

EK_KERNEL void ek_gates_s8(const ek_gates *a, const int8_t *x, int32_t *sums)
{
    const int32_t *w = a->weights;
    const int32_t depth = 16 * a->steps + a->rest;
    for (int32_t group = 0; group < a->groups; ++group, sums += 8) {
        for (int32_t f = 0; f < 8; ++f) {
            sums[f] = *w++;
        }
        for (int32_t first = 0; first < depth; first += 16, w += 32) {
            const int8_t *weights = (const int8_t *)w;
            const int32_t count = depth - first < 16 ? depth - first : 16;
            for (int32_t f = 0; f < 8; ++f, weights += 16) {
                for (int32_t i = 0; i < count; ++i) {
                    sums[f] += x[first + i] * weights[i];
                }
            }
        }
    }
}
