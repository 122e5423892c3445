/* Simple recurrent cell: h = f(W x + R h + bias). */
#ifndef EK_RNN_H
#define EK_RNN_H

#include "ek_recurrent.h"

static inline void ek_rnn(const ek_recurrent *g, const ek_recurrent_weights *weights,
                          const float *x, float *scratch, float *h, float *c)
{
    (void)c;
    for (int32_t j = 0; j < g->hidden; ++j) {
        scratch[j] = ek_gate_apply(g, 0,
                                   ek_recurrent_input(g, weights, j, x) +
                                       ek_recurrent_state(g, weights, j, g->hidden, h));
    }
    for (int32_t j = 0; j < g->hidden; ++j) {
        h[j] = scratch[j];
    }
}

#endif
