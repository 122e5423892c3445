/* LSTM as in ek_lstm_s8.c, the sums of its gates computed by dense layers that keep them: four filters
 * for each unit, its gates, some units at a time.
 *
 * from_x, from_h  the layers of the inputs and of the last outputs, bias included
 * sums            8 x EK_LSTM_UNITS, or 8 x units where there are fewer
 */
#include "ek_dense_pairs.h"
#include "ek_lstm_s8.h"

typedef struct {
    const ek_dense_pairs *layer;
    ek_dense_pairs_kernel multiply;
    int32_t unit_words;
} ek_lstm_pairs;

EK_INLINE void ek_lstm_pairs_product(const void *layer, int32_t first, int32_t count,
                                     const int8_t *x, int32_t *sums)
{
    const ek_lstm_pairs *pairs = (const ek_lstm_pairs *)layer;
    ek_dense_pairs part = *pairs->layer;
    part.weights += first * pairs->unit_words;
    part.block_bytes = 4 * count * pairs->unit_words;
    pairs->multiply(&part, x, (int8_t *)sums);
}

EK_INLINE void ek_lstm_pairs_s8(const ek_lstm_shape *g, const ek_dense_pairs *from_x,
                                const ek_dense_pairs *from_h, ek_dense_pairs_kernel multiply_x,
                                ek_dense_pairs_kernel multiply_h, const int8_t *x,
                                const int8_t *h_first, const int16_t *c_first, int8_t *y, int8_t *h,
                                int16_t *c, int32_t *sums, int rule)
{
    const int32_t n = g->units;
    const ek_lstm_pairs of_x = {from_x, multiply_x, from_x->block_bytes / (4 * n)};
    const ek_lstm_pairs of_h = {from_h, multiply_h, from_h->block_bytes / (4 * n)};
    const int32_t apart = 4 * (n < EK_LSTM_UNITS ? n : EK_LSTM_UNITS);
    ek_lstm_s8_steps(g, ek_lstm_pairs_product, &of_x, &of_h,
                     rule == EK_RIGHT ? ek_lstm_move_right : ek_lstm_move_double, g, x, h_first,
                     c_first, y, h, c, sums, apart);
}
