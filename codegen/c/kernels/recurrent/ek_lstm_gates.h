/* The sums of the gates of some units of an LSTM by a kernel for groups of them. */
#ifndef EK_LSTM_GATES_H
#define EK_LSTM_GATES_H

#include "ek_gates.h"
#include "ek_lstm_s8.h"

typedef struct {
    const ek_gates *gates;
    ek_gates_kernel multiply;
} ek_lstm_gates;

EK_INLINE void ek_lstm_gates_product(const void *layer, int32_t first, int32_t count,
                                     const int8_t *x, int32_t *sums)
{
    const ek_lstm_gates *l = (const ek_lstm_gates *)layer;
    ek_gates part = *l->gates;
    part.weights += first / part.units * part.words;
    part.groups = (count + part.units - 1) / part.units;
    l->multiply(&part, x, sums);
}

#endif
