/* LSTM as in ek_lstm_gates_s8.c, and what becomes of the sums computed by a kernel too.
 *
 * sums  8 x EK_LSTM_UNITS, or 8 x units where there are fewer, whole eights
 */
#include "ek_lstm_gates.h"
#include "ek_lstm_units.h"

typedef struct {
    const ek_lstm_units *units;
    ek_lstm_units_kernel finish;
} ek_lstm_vectors;

EK_INLINE void ek_lstm_vectors_finish(const void *units, const int32_t *sums, const int32_t *again,
                                      int32_t count, int16_t *c, int8_t *y)
{
    const ek_lstm_vectors *v = (const ek_lstm_vectors *)units;
    const ek_lstm_part part = {sums, again, c, y, count};
    v->finish(v->units, &part);
}

EK_KERNEL void ek_lstm_vectors_s8(const ek_lstm_shape *g, const ek_lstm_units *units,
                                  const ek_gates *from_x, const ek_gates *from_h,
                                  ek_gates_kernel multiply, ek_lstm_units_kernel finish,
                                  const int8_t *x, const int8_t *h_first, const int16_t *c_first,
                                  int8_t *y, int8_t *h, int16_t *c, int32_t *sums)
{
    const ek_lstm_gates of_x = {from_x, multiply}, of_h = {from_h, multiply};
    const ek_lstm_vectors vectors = {units, finish};
    const int32_t most = g->units < EK_LSTM_UNITS ? g->units : EK_LSTM_UNITS;
    ek_lstm_s8_steps(g, ek_lstm_gates_product, &of_x, &of_h, ek_lstm_vectors_finish, &vectors, x,
                     h_first, c_first, y, h, c, sums, 4 * ((most + 7) & ~7));
}
