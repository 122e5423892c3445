/* int8 dense layer of one row: eight filters at a time share its activations.
 *
 * Weights lie in reading order: for each eight filters (or the rest), 16 bytes of each one after the
 * other, and so on; the last bytes are filled up to 16, or to 8 where that is the end.
 */
#include "ek_scaling.h"

typedef struct {
    const int8_t *weights;
    const int32_t *table; /* per eight: bias, significand, shift; of even filters, of odd ones */
    int32_t filters;
    ek_scaling scaling;
    int32_t depth;
} ek_lanes;

EK_KERNEL void ek_lanes_s8(const ek_lanes *a, const int8_t *x, int8_t *y)
{
    const int8_t *weights = a->weights;
    const int32_t *table = a->table;
    for (int32_t first = 0; first < a->filters; first += 8) {
        const int32_t count = a->filters - first < 8 ? a->filters - first : 8;
        int32_t sum[8] = {0};
        for (int32_t k = 0; k < a->depth; k += 16) {
            const int32_t left = a->depth - k < 16 ? a->depth - k : 16;
            const int32_t width = left == 8 ? 8 : 16;
            for (int32_t f = 0; f < count; ++f) {
                for (int32_t i = 0; i < left; ++i) {
                    sum[f] += x[k + i] * weights[i];
                }
                weights += width;
            }
        }
        for (int32_t f = 0; f < count; ++f) {
            const int32_t lane = f / 2 + f % 2 * 4;
            const int32_t own[3] = {table[lane], table[8 + lane], table[16 + lane]};
            y[first + f] = ek_scaled_s8(&a->scaling, sum[f], own);
        }
        table += 24;
    }
}
