/* LSTM of int8 activations with int16 gates and cells, in TFLite's fixed point.
 *
 * x        batch x steps x depth
 * weights  4 x units x depth: input gate, forget gate, new content, output gate
 * again    4 x units x units, of the units' last outputs
 * bias_*   4 x units, zero points folded in
 * y        batch x steps x units; h and c hold the last step's
 */
#include "ek_lstm_s8.h"

/* The sums of one unit's gates, whose weights are `apart` from each other. */
EK_INLINE void ek_lstm_s8_sums(const int8_t *x, const int8_t *weights, int32_t depth, int32_t apart,
                               const int32_t *bias, int32_t units, int32_t sums[4])
{
    const int8_t *forget = weights + apart;
    const int8_t *content = forget + apart;
    const int8_t *output = content + apart;
    int32_t s0 = bias[0], s1 = bias[units], s2 = bias[2 * units], s3 = bias[3 * units];
    for (int32_t i = 0; i < depth; ++i) {
        const int32_t value = x[i];
        s0 += value * weights[i];
        s1 += value * forget[i];
        s2 += value * content[i];
        s3 += value * output[i];
    }
    sums[0] = s0;
    sums[1] = s1;
    sums[2] = s2;
    sums[3] = s3;
}

EK_INLINE void ek_lstm_s8(const ek_lstm_shape *g, const int8_t *x, const int8_t *weights,
                          const int8_t *again, const int32_t *bias_x, const int32_t *bias_h,
                          const int8_t *h_first, const int16_t *c_first, int8_t *y, int8_t *h,
                          int16_t *c, int rule)
{
    const int32_t n = g->units;
    for (int32_t sample = 0; sample < g->batch; ++sample) {
        ek_lstm_s8_begin(n, h_first, c_first, h, c);
        for (int32_t step = 0; step < g->steps; ++step) {
            for (int32_t i = 0; i < n; ++i) {
                int32_t from_x[4], from_h[4];
                ek_lstm_s8_sums(x, weights + i * g->depth, g->depth, n * g->depth, bias_x + i, n,
                                from_x);
                ek_lstm_s8_sums(h, again + i * n, n, n * n, bias_h + i, n, from_h);
                y[i] = ek_lstm_s8_unit(g, from_x, from_h, c + i, rule);
            }
            ek_copy_bytes(y, h, (size_t)n);
            x += g->depth;
            y += n;
        }
        h_first += n;
        c_first += n;
        h += n;
        c += n;
    }
}
