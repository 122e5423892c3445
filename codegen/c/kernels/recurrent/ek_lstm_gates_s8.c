/* LSTM as in ek_lstm_s8.c, the sums of the gates of some units at a time computed by a kernel.
 *
 * from_x, from_h  weights of the inputs and of the last outputs, see ek_gates
 * sums            8 x EK_LSTM_UNITS, or 8 x units of whole groups where there are fewer
 */
#include "ek_lstm_gates.h"

EK_INLINE void ek_lstm_gates_s8(const ek_lstm_shape *g, const ek_gates *from_x,
                                const ek_gates *from_h, ek_gates_kernel multiply_x,
                                ek_gates_kernel multiply_h, const int8_t *x, const int8_t *h_first,
                                const int16_t *c_first, int8_t *y, int8_t *h, int16_t *c,
                                int32_t *sums, int rule)
{
    const ek_lstm_gates of_x = {from_x, multiply_x}, of_h = {from_h, multiply_h};
    const int32_t most = g->units < EK_LSTM_UNITS ? g->units : EK_LSTM_UNITS;
    const int32_t whole = (most + from_x->units - 1) / from_x->units * from_x->units;
    ek_lstm_s8_steps(g, ek_lstm_gates_product, &of_x, &of_h,
                     rule == EK_RIGHT ? ek_lstm_move_right : ek_lstm_move_double, g, x, h_first,
                     c_first, y, h, c, sums, 4 * whole);
}
