/* int8 dense layer: rows x depth inputs, outputs x depth weights.
 *
 * bias has the input's zero point folded in. Two filters at a time share the input's loads.
 */
#include "ek_requant.h"

EK_INLINE void ek_dense_s8(int32_t rows, int32_t depth, int32_t outputs, const ek_requant *q,
                           const int8_t *x, const int8_t *weights, const int32_t *bias, int8_t *y,
                           int rule)
{
    for (int32_t row = 0; row < rows; ++row) {
        for (int32_t c = 0; c < outputs; c += 2) {
            const int32_t d = c + 1 < outputs ? c + 1 : c;
            const int8_t *w0 = weights + c * depth;
            const int8_t *w1 = weights + d * depth;
            int32_t s0 = bias[c];
            int32_t s1 = bias[d];
            for (int32_t i = 0; i < depth; ++i) {
                const int32_t value = x[i];
                s0 += value * w0[i];
                s1 += value * w1[i];
            }
            y[c] = ek_requantize(s0, q, c, rule);
            y[d] = ek_requantize(s1, q, d, rule);
        }
        x += depth;
        y += outputs;
    }
}
