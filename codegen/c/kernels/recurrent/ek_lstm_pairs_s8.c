/* LSTM as in ek_lstm_s8.c, the sums of its gates computed by dense layers that keep them: four filters
 * for each unit, its gates, some units at a time.
 *
 * from_x, from_h  the layers of the inputs and of the last outputs, bias included
 * sums            8 x EK_LSTM_UNITS, or 8 x units where there are fewer
 */
#include "ek_dense_pairs.h"
#include "ek_lstm_s8.h"

#define EK_LSTM_UNITS 32

EK_INLINE void ek_lstm_pairs_sums(const ek_dense_pairs *layer, ek_dense_pairs_kernel multiply,
                                  int32_t units, int32_t first, int32_t count, const int8_t *x,
                                  int32_t *sums)
{
    const int32_t unit_bytes = layer->block_bytes / units;
    ek_dense_pairs part = *layer;
    part.weights += first * (unit_bytes / 4);
    part.block_bytes = count * unit_bytes;
    multiply(&part, x, (int8_t *)sums);
}

EK_INLINE void ek_lstm_pairs_s8(const ek_lstm_shape *g, const ek_dense_pairs *from_x,
                                const ek_dense_pairs *from_h, ek_dense_pairs_kernel multiply_x,
                                ek_dense_pairs_kernel multiply_h, const int8_t *x,
                                const int8_t *h_first, const int16_t *c_first, int8_t *y, int8_t *h,
                                int16_t *c, int32_t *sums, int rule)
{
    const int32_t n = g->units;
    const int32_t most = n < EK_LSTM_UNITS ? n : EK_LSTM_UNITS;
    for (int32_t sample = 0; sample < g->batch; ++sample) {
        ek_lstm_s8_begin(n, h_first, c_first, h, c);
        for (int32_t step = 0; step < g->steps; ++step) {
            for (int32_t first = 0; first < n; first += most) {
                const int32_t count = n - first < most ? n - first : most;
                int32_t *again = sums + 4 * most;
                ek_lstm_pairs_sums(from_x, multiply_x, n, first, count, x, sums);
                ek_lstm_pairs_sums(from_h, multiply_h, n, first, count, h, again);
                for (int32_t i = 0; i < count; ++i) {
                    y[first + i] = ek_lstm_s8_unit(g, sums + 4 * i, again + 4 * i, c + first + i,
                                                   rule);
                }
            }
            ek_copy_bytes(y, h, (size_t)n);
            x += g->depth;
            y += n;
        }
        h_first += n;
        c_first += n;
        h += n;
        c += n;
    }
}
