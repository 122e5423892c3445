/* int8 dense layer: rows x depth inputs, outputs x depth weights.
 *
 * bias has the input's zero point folded in. Four filters at a time share the input's loads.
 */
#include "ek_requant.h"

EK_INLINE void ek_dense_s8(int32_t rows, int32_t depth, int32_t outputs, const ek_requant *q,
                           const int8_t *x, const int8_t *weights, const int32_t *bias, int8_t *y,
                           int rule)
{
    const ek_requant r = *q; /* a copy: stores to y cannot change it */
    for (int32_t row = 0; row < rows; ++row) {
        const int8_t *w0 = weights;
        const int32_t whole = outputs / 4 * 4;
        for (int32_t c = 0; c < whole; c += 4) {
            const int8_t *w1 = w0 + depth;
            const int8_t *w2 = w1 + depth;
            const int8_t *w3 = w2 + depth;
            int32_t s0 = bias[c];
            int32_t s1 = bias[c + 1];
            int32_t s2 = bias[c + 2];
            int32_t s3 = bias[c + 3];
            for (int32_t i = 0; i < depth; ++i) {
                const int32_t value = x[i];
                s0 += value * w0[i];
                s1 += value * w1[i];
                s2 += value * w2[i];
                s3 += value * w3[i];
            }
            y[c] = ek_requantize(s0, &r, c, rule);
            y[c + 1] = ek_requantize(s1, &r, c + 1, rule);
            y[c + 2] = ek_requantize(s2, &r, c + 2, rule);
            y[c + 3] = ek_requantize(s3, &r, c + 3, rule);
            w0 = w3 + depth;
        }
        for (int32_t c = whole; c < outputs; ++c) {
            int32_t sum = bias[c];
            for (int32_t i = 0; i < depth; ++i) {
                sum += x[i] * w0[i];
            }
            y[c] = ek_requantize(sum, &r, c, rule);
            w0 += depth;
        }
        x += depth;
        y += outputs;
    }
}
