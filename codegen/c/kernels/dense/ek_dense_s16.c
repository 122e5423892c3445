/* Dense layer of int16 activations and int8 weights: rows x depth inputs, outputs x depth weights,
 * accumulators of 64 bits. */
#include "ek_dot_s16.h"
#include "ek_requant_s16.h"

EK_INLINE void ek_dense_s16(int32_t rows, int32_t depth, int32_t outputs, const ek_requant *q,
                            const int16_t *x, const int8_t *weights, const int64_t *bias,
                            int16_t *y, int rule)
{
    const ek_requant r = *q; /* a copy: stores to y cannot change it */
    for (int32_t row = 0; row < rows; ++row) {
        const int16_t *source = x + row * depth;
        int32_t c = 0;
        for (; c + 4 <= outputs; c += 4) {
            int64_t sums[4] = {0, 0, 0, 0};
            ek_dots_s16(source, weights + c * depth, depth, depth, sums);
            for (int32_t n = 0; n < 4; ++n) {
                *y++ = ek_requantize_s16(bias[c + n] + sums[n], &r, c + n, rule);
            }
        }
        for (; c < outputs; ++c) {
            const int64_t sum = ek_dot_s16(source, weights + c * depth, depth);
            *y++ = ek_requantize_s16(bias[c] + sum, &r, c, rule);
        }
    }
}
