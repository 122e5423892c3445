/* Long short-term memory (Hochreiter and Schmidhuber 1997), gates i, o, f, c with optional
 * peepholes i, o, f: c = f c + i new, h = o act(c). */
#ifndef EK_LSTM_H
#define EK_LSTM_H

#include "ek_recurrent.h"

static inline void ek_lstm(const ek_recurrent *g, const ek_recurrent_weights *weights,
                           const float *x, float *scratch, float *h, float *c)
{
    const int32_t size = g->hidden;
    const float *peep = weights->peephole;
    for (int32_t j = 0; j < 4 * size; ++j) {
        scratch[j] = ek_recurrent_input(g, weights, j, x) +
                     ek_recurrent_state(g, weights, j, 4 * size, h);
    }
    for (int32_t j = 0; j < size; ++j) {
        const float pi = peep != NULL ? peep[j] * c[j] : 0.0f;
        const float pf = peep != NULL ? peep[2 * size + j] * c[j] : 0.0f;
        const float i = ek_gate_apply(g, 0, scratch[j] + pi);
        const float f = g->option ? 1.0f - i : ek_gate_apply(g, 0, scratch[2 * size + j] + pf);
        const float cell = f * c[j] + i * ek_gate_apply(g, 1, scratch[3 * size + j]);
        c[j] = ek_clamp_f32(cell, -g->cell_clip, g->cell_clip);
        const float po = peep != NULL ? peep[size + j] * c[j] : 0.0f;
        h[j] = ek_gate_apply(g, 0, scratch[size + j] + po) * ek_gate_apply(g, 2, c[j]);
    }
}

#endif
