/* LSTM as in ek_lstm_s8.c, the sums of its gates computed by dense layers that keep them: a block of
 * eight filters for the gates of two units.
 *
 * from_x, from_h  the layers of the inputs and of the last outputs, bias included
 * sums            8 x EK_LSTM_UNITS, or 8 x units where there are fewer, an even number
 */
#include "ek_dense_blocks.h"
#include "ek_lstm_s8.h"

typedef void (*ek_dense_sums_kernel)(const ek_dense_blocks *d, const int8_t *x, int32_t *y);

typedef struct {
    const ek_dense_blocks *layer;
    ek_dense_sums_kernel multiply;
} ek_lstm_blocks;

EK_INLINE void ek_lstm_blocks_product(const void *layer, int32_t first, int32_t count,
                                      const int8_t *x, int32_t *sums)
{
    const ek_lstm_blocks *blocks = (const ek_lstm_blocks *)layer;
    ek_dense_blocks part = *blocks->layer;
    part.weights += 4 * first * part.depth;
    part.table += 4 * first;
    part.blocks = (count + 1) / 2;
    blocks->multiply(&part, x, sums);
}

EK_INLINE void ek_lstm_blocks_s8(const ek_lstm_shape *g, const ek_dense_blocks *from_x,
                                 const ek_dense_blocks *from_h, ek_dense_sums_kernel multiply,
                                 const int8_t *x, const int8_t *h_first, const int16_t *c_first,
                                 int8_t *y, int8_t *h, int16_t *c, int32_t *sums, int rule)
{
    const ek_lstm_blocks of_x = {from_x, multiply}, of_h = {from_h, multiply};
    const int32_t most = g->units < EK_LSTM_UNITS ? g->units : EK_LSTM_UNITS;
    ek_lstm_s8_steps(g, ek_lstm_blocks_product, &of_x, &of_h,
                     rule == EK_RIGHT ? ek_lstm_move_right : ek_lstm_move_double, g, x, h_first,
                     c_first, y, h, c, sums, 4 * ((most + 1) & ~1));
}
