/* What the recurrent layers share: geometry, activations as functions, the sum into a gate. */
#ifndef EK_RECURRENT_H
#define EK_RECURRENT_H

#include "ek_common.h"

typedef float (*ek_activation)(float x, float alpha, float beta);

typedef struct {
    ek_activation function;
    float alpha, beta;
} ek_gate;

/* One direction. Gates are those of the inner gates, of the new content and of an LSTM's output.
 * `option` is a GRU's reset behind the product, and an LSTM's coupled forget gate. */
typedef struct {
    int32_t steps, batch, inputs, hidden;
    int32_t y_step; /* from one time to the next in y */
    int backwards;
    int option;
    float clip, cell_clip;
    ek_gate gate[3];
} ek_recurrent;

/* Weights of one direction: rows of all gates; bias (both halves) and peepholes may be NULL. */
typedef struct {
    const float *w, *r, *bias, *peephole;
} ek_recurrent_weights;

/* One step of one sequence: from x to the state h (and c); `scratch` holds a row for each gate. */
typedef void (*ek_cell)(const ek_recurrent *g, const ek_recurrent_weights *weights, const float *x,
                        float *scratch, float *h, float *c);

/* Of what goes in, an LSTM's content is not clipped. */
EK_INLINE float ek_gate_apply(const ek_recurrent *g, int which, float x)
{
    const ek_gate *gate = &g->gate[which];
    const float clipped = which < 2 ? ek_clamp_f32(x, -g->clip, g->clip) : x;
    return gate->function(clipped, gate->alpha, gate->beta);
}

EK_INLINE float ek_recurrent_dot(int32_t count, const float *a, const float *b)
{
    float sum = 0.0f;
    for (int32_t i = 0; i < count; ++i) {
        sum += a[i] * b[i];
    }
    return sum;
}

/* Row `row` of W x plus its bias. */
EK_INLINE float ek_recurrent_input(const ek_recurrent *g, const ek_recurrent_weights *weights,
                                   int32_t row, const float *x)
{
    const float bias = weights->bias != NULL ? weights->bias[row] : 0.0f;
    return bias + ek_recurrent_dot(g->inputs, weights->w + row * g->inputs, x);
}

/* Row `row` of R h plus its bias, of `rows` rows. */
EK_INLINE float ek_recurrent_state(const ek_recurrent *g, const ek_recurrent_weights *weights,
                                   int32_t row, int32_t rows, const float *h)
{
    const float bias = weights->bias != NULL ? weights->bias[rows + row] : 0.0f;
    return bias + ek_recurrent_dot(g->hidden, weights->r + row * g->hidden, h);
}

#endif
