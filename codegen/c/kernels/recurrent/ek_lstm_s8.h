/* LSTM of int8 activations with int16 gates and cells, in TFLite's fixed point: what its kernels share.
 * Gates are input gate, forget gate, new content, output gate. */
#ifndef EK_LSTM_S8_H
#define EK_LSTM_S8_H

#include "ek_fixed_s16.h"
#include "ek_requant.h"

typedef struct {
    int32_t batch, steps, depth, units;
    int32_t cell_bits, cell_clip;
    const ek_requant *from_x, *from_h; /* a scale for each gate */
    const ek_requant *hidden;
} ek_lstm_shape;

/* State of one sample before its first step. */
EK_INLINE void ek_lstm_s8_begin(int32_t units, const int8_t *h_first, const int16_t *c_first,
                                int8_t *h, int16_t *c)
{
    for (int32_t i = 0; i < units; ++i) {
        h[i] = h_first[i];
        c[i] = c_first[i];
    }
}

EK_INLINE int32_t ek_lstm_s8_scaled(int32_t sum, const ek_requant *q, int32_t gate, int rule)
{
    const int32_t y = rule == EK_RIGHT ? ek_scale_right(sum, q->multiplier[gate], q->shift[gate])
                                       : ek_scale_double(sum, q->multiplier[gate], q->shift[gate]);
    return ek_clamp_i32(y, q->low, q->high);
}

/* round(x / 2^exponent), half away from zero; |x| up to 2^30. */
EK_INLINE int32_t ek_lstm_s8_divide(int32_t x, int32_t exponent)
{
    return (x + (x >> 31) + (1 << (exponent - 1))) >> exponent;
}

/* One step of one unit: the sums of its gates move its cell; returns its output. */
EK_INLINE int8_t ek_lstm_s8_unit(const ek_lstm_shape *g, const int32_t from_x[4],
                                 const int32_t from_h[4], int16_t *c, int rule)
{
    int32_t gates[4];
    for (int32_t i = 0; i < 4; ++i) {
        const int32_t sum = ek_saturate_s16(ek_lstm_s8_scaled(from_x[i], g->from_x, i, rule) +
                                            ek_lstm_s8_scaled(from_h[i], g->from_h, i, rule));
        gates[i] = i == 2 ? ek_fixed_tanh_s16(sum, 3) : ek_fixed_logistic_s16(sum);
    }
    const int32_t kept = ek_lstm_s8_divide(gates[1] * *c, 15);
    const int32_t added = ek_lstm_s8_divide(gates[0] * gates[2], 15 + g->cell_bits);
    int32_t cell = ek_saturate_s16(kept + added);
    if (g->cell_clip > 0) {
        cell = ek_clamp_i32(cell, -g->cell_clip, g->cell_clip);
    }
    *c = (int16_t)cell;
    return ek_requantize(gates[3] * ek_fixed_tanh_s16(cell, g->cell_bits), g->hidden, 0, rule);
}

/* Sums of the gates of some units, four for each: what a layer makes of a vector. */
typedef void (*ek_lstm_product)(const void *layer, int32_t first, int32_t count, const int8_t *x,
                                int32_t *sums);

/* Moves the cells of some units by both sums, and writes their outputs. */
typedef void (*ek_lstm_finish)(const void *units, const int32_t *sums, const int32_t *again,
                               int32_t count, int16_t *c, int8_t *y);

EK_INLINE void ek_lstm_move(const ek_lstm_shape *g, const int32_t *sums, const int32_t *again,
                                int32_t count, int16_t *c, int8_t *y, int rule)
{
    for (int32_t i = 0; i < count; ++i) {
        y[i] = ek_lstm_s8_unit(g, sums + 4 * i, again + 4 * i, c + i, rule);
    }
}

EK_INLINE void ek_lstm_move_right(const void *shape, const int32_t *sums, const int32_t *again,
                                int32_t count, int16_t *c, int8_t *y)
{
    ek_lstm_move((const ek_lstm_shape *)shape, sums, again, count, c, y, EK_RIGHT);
}

EK_INLINE void ek_lstm_move_double(const void *shape, const int32_t *sums, const int32_t *again,
                                 int32_t count, int16_t *c, int8_t *y)
{
    ek_lstm_move((const ek_lstm_shape *)shape, sums, again, count, c, y, EK_DOUBLE);
}

#define EK_LSTM_UNITS 32 /* whose sums are kept at once */

/* All steps; `sums` has room for those of both products, `apart` from each other. */
EK_INLINE void ek_lstm_s8_steps(const ek_lstm_shape *g, ek_lstm_product product, const void *from_x,
                                const void *from_h, ek_lstm_finish finish, const void *units,
                                const int8_t *x, const int8_t *h_first, const int16_t *c_first,
                                int8_t *y, int8_t *h, int16_t *c, int32_t *sums, int32_t apart)
{
    const int32_t n = g->units;
    for (int32_t sample = 0; sample < g->batch; ++sample) {
        ek_lstm_s8_begin(n, h_first, c_first, h, c);
        for (int32_t step = 0; step < g->steps; ++step) {
            for (int32_t first = 0; first < n; first += EK_LSTM_UNITS) {
                const int32_t rest = n - first;
                const int32_t count = rest < EK_LSTM_UNITS ? rest : EK_LSTM_UNITS;
                product(from_x, first, count, x, sums);
                product(from_h, first, count, h, sums + apart);
                finish(units, sums, sums + apart, count, c + first, y + first);
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

#endif
