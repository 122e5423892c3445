/* Gated recurrent unit (Cho et al. 2014), gates z, r, h: h = (1 - z) new + z h. */
#ifndef EK_GRU_H
#define EK_GRU_H

#include "ek_recurrent.h"

/* What the old state adds to the new content, before the activation. */
EK_INLINE float ek_gru_memory(const ek_recurrent *g, const ek_recurrent_weights *weights,
                              int32_t row, const float *reset, const float *h)
{
    const int32_t rows = 3 * g->hidden;
    if (g->option) {
        return reset[row - 2 * g->hidden] * ek_recurrent_state(g, weights, row, rows, h);
    }
    float sum = weights->bias != NULL ? weights->bias[rows + row] : 0.0f;
    for (int32_t k = 0; k < g->hidden; ++k) {
        sum += weights->r[row * g->hidden + k] * (reset[k] * h[k]);
    }
    return sum;
}

static inline void ek_gru(const ek_recurrent *g, const ek_recurrent_weights *weights,
                          const float *x, float *scratch, float *h, float *c)
{
    const int32_t size = g->hidden;
    (void)c;
    for (int32_t j = 0; j < 2 * size; ++j) {
        scratch[j] = ek_gate_apply(g, 0,
                                   ek_recurrent_input(g, weights, j, x) +
                                       ek_recurrent_state(g, weights, j, 3 * size, h));
    }
    for (int32_t j = 2 * size; j < 3 * size; ++j) {
        scratch[j] = ek_gate_apply(g, 1,
                                   ek_recurrent_input(g, weights, j, x) +
                                       ek_gru_memory(g, weights, j, scratch + size, h));
    }
    for (int32_t j = 0; j < size; ++j) {
        h[j] = (1.0f - scratch[j]) * scratch[2 * size + j] + scratch[j] * h[j];
    }
}

#endif
