/* One direction of a float32 recurrent layer over whole sequences.
 *
 * x        steps x batch x inputs
 * lengths  of the sequences, or NULL: beyond them y is 0 and the state stays
 * h0, c0   initial state, batch x hidden, or NULL for zeros
 * y        this direction's part of steps x directions x batch x hidden
 * h, c     last state, batch x hidden (c NULL unless the cell has one)
 * scratch  one row of `hidden` for each gate
 */
#include "ek_common.h"
#include "ek_recurrent.h"

EK_INLINE void ek_recurrent_start(int32_t count, const float *initial, float *state)
{
    for (int32_t i = 0; state != NULL && i < count; ++i) {
        state[i] = initial != NULL ? initial[i] : 0.0f;
    }
}

EK_KERNEL void ek_recurrent_f32(const ek_recurrent *g, ek_cell cell,
                                const ek_recurrent_weights *weights, const float *x,
                                const int32_t *lengths, const float *h0, const float *c0, float *y,
                                float *h, float *c, float *scratch)
{
    const int32_t size = g->hidden;
    ek_recurrent_start(g->batch * size, h0, h);
    ek_recurrent_start(g->batch * size, c0, c);
    for (int32_t n = 0; n < g->batch; ++n) {
        const int32_t length =
            lengths != NULL ? ek_clamp_i32(lengths[n], 0, g->steps) : g->steps;
        for (int32_t step = 0; step < g->steps; ++step) {
            const int32_t time = g->backwards ? g->steps - 1 - step : step;
            float *out = y + time * g->y_step + n * size;
            if (time < length) {
                cell(g, weights, x + (time * g->batch + n) * g->inputs, scratch, h + n * size,
                     c != NULL ? c + n * size : NULL);
            }
            for (int32_t j = 0; j < size; ++j) {
                out[j] = time < length ? h[n * size + j] : 0.0f;
            }
        }
    }
}
