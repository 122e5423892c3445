/* LSTM of int8 activations with int16 gates and cells, in TFLite's fixed point.
 *
 * x        batch x steps x depth
 * weights  4 x units x depth: input gate, forget gate, new content, output gate
 * again    4 x units x units, of the units' last outputs
 * bias_*   4 x units, zero points folded in
 * y        batch x steps x units; h and c hold the last step's
 * gates    4 x units
 */
#include "ek_fixed_s16.h"
#include "ek_requant.h"

typedef struct {
    int32_t batch, steps, depth, units;
    int32_t cell_bits, cell_clip;
} ek_lstm_shape;

EK_INLINE int32_t ek_lstm_s8_dot(const int8_t *a, const int8_t *b, int32_t count, int32_t sum)
{
    for (int32_t i = 0; i < count; ++i) {
        sum += a[i] * b[i];
    }
    return sum;
}

EK_INLINE int32_t ek_lstm_s8_scaled(int32_t sum, const ek_requant *q, int32_t gate)
{
    const int32_t y = ek_scale_double(sum, q->multiplier[gate], q->shift[gate]);
    return ek_clamp_i32(y, q->low, q->high);
}

EK_INLINE void ek_lstm_s8_cells(const ek_lstm_shape *g, const ek_requant *hidden, const int16_t *gates,
                                int8_t *h, int16_t *c)
{
    const int32_t n = g->units;
    for (int32_t i = 0; i < n; ++i) {
        const int32_t kept = ek_round_shift(gates[n + i] * c[i], 15);
        const int32_t added = ek_round_shift(gates[i] * gates[2 * n + i], 15 + g->cell_bits);
        int32_t cell = ek_saturate_s16(kept + added);
        if (g->cell_clip > 0) {
            cell = ek_clamp_i32(cell, -g->cell_clip, g->cell_clip);
        }
        c[i] = (int16_t)cell;
        h[i] = ek_requantize(gates[3 * n + i] * ek_tanh_s16(cell, g->cell_bits), hidden, 0,
                             EK_DOUBLE);
    }
}

EK_KERNEL void ek_lstm_s8(const ek_lstm_shape *g, const ek_requant *from_x, const ek_requant *from_h,
                          const ek_requant *hidden, const int8_t *x, const int8_t *weights,
                          const int8_t *again, const int32_t *bias_x, const int32_t *bias_h,
                          const int8_t *h_first, const int16_t *c_first, int8_t *y, int8_t *h,
                          int16_t *c, int16_t *gates)
{
    const int32_t n = g->units;
    for (int32_t sample = 0; sample < g->batch; ++sample) {
        for (int32_t i = 0; i < n; ++i) {
            h[i] = h_first[i];
            c[i] = c_first[i];
        }
        for (int32_t step = 0; step < g->steps; ++step) {
            for (int32_t k = 0; k < 4 * n; ++k) {
                const int32_t gate = k / n;
                const int32_t a = ek_lstm_s8_dot(x, weights + k * g->depth, g->depth, bias_x[k]);
                const int32_t b = ek_lstm_s8_dot(h, again + k * n, n, bias_h[k]);
                const int32_t sum = ek_saturate_s16(ek_lstm_s8_scaled(a, from_x, gate) +
                                                    ek_lstm_s8_scaled(b, from_h, gate));
                gates[k] = (int16_t)(gate == 2 ? ek_tanh_s16(sum, 3) : ek_logistic_s16(sum));
            }
            ek_lstm_s8_cells(g, hidden, gates, h, c);
            for (int32_t i = 0; i < n; ++i) {
                y[i] = h[i];
            }
            x += g->depth;
            y += n;
        }
        h_first += n;
        c_first += n;
        h += n;
        c += n;
    }
}
