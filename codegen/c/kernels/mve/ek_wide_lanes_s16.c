/* A row of int16 with eight filters at a time: the readable equal of the Armv8.1-M function. Sums of 32
 * bits suffice, which is checked when a layer is emitted. */
#include "ek_narrow.h"

/* Assembly reads the first words in this order. */
typedef struct {
    /* For eight filters: what their sums start with, then eight weights of each in turn, and the scales
     * times 2^32 of those with even numbers and of the others. */
    const int32_t *weights;
    int32_t filters;
    int32_t steps; /* of eight inputs, without the last */
    int32_t rest;  /* inputs of the last step */
    int32_t low;
} ek_wide_lanes;

EK_KERNEL void ek_wide_lanes_s16(const ek_wide_lanes *a, const int16_t *x, int16_t *y)
{
    const int32_t *group = a->weights;
    const int32_t words = 16 * (a->steps + 1), depth = 8 * a->steps + a->rest;
    for (int32_t f = 0; f < a->filters; f += 8, group += 16 + words) {
        const int8_t *weights = (const int8_t *)(group + 8);
        const int32_t count = a->filters - f < 8 ? a->filters - f : 8;
        for (int32_t n = 0; n < count; ++n) {
            int32_t sum = group[n];
            for (int32_t i = 0; i < depth; ++i) {
                sum += x[i] * weights[i / 8 * 64 + 8 * n + i % 8];
            }
            y[f + n] = ek_narrow_s16(sum, group[8 + words + n / 2 + n % 2 * 4], a->low);
        }
    }
}
