/* int8 dense layer whose weights have a zero point: rows x depth inputs, outputs x depth weights.
 *
 * bias has the input's zero point folded in. Subtracting the weights' zero point from every weight
 * amounts to subtracting it once from the sum of the inputs.
 */
#include "ek_requant.h"

EK_INLINE void ek_dense_offset_s8(int32_t rows, int32_t depth, int32_t outputs, int32_t w_zero,
                                  const ek_requant *q, const int8_t *x, const int8_t *weights,
                                  const int32_t *bias, int8_t *y, int rule)
{
    const ek_requant r = *q; /* a copy: stores to y cannot change it */
    for (int32_t row = 0; row < rows; ++row) {
        int32_t inputs = 0;
        for (int32_t i = 0; i < depth; ++i) {
            inputs += x[i];
        }
        const int8_t *w = weights;
        for (int32_t c = 0; c < outputs; ++c) {
            int32_t sum = bias[c] - w_zero * inputs;
            for (int32_t i = 0; i < depth; ++i) {
                sum += x[i] * w[i];
            }
            *y++ = ek_requantize(sum, &r, c, rule);
            w += depth;
        }
        x += depth;
    }
}
