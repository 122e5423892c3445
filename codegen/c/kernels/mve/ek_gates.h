/* Sums of eight filters at a time over one vector of int8: the gates of two units of an LSTM. */
#ifndef EK_GATES_H
#define EK_GATES_H

#include "ek_common.h"

/* Assembly reads these words in this order. */
typedef struct {
    /* Eight filters at a time: what their sums start with, then sixteen weights of each in turn. */
    const int32_t *weights;
    int32_t groups; /* of eight filters */
    int32_t steps;  /* of sixteen inputs, without the last */
    int32_t rest;   /* inputs of the last step, 1 to 16 */
} ek_gates;

typedef void (*ek_gates_kernel)(const ek_gates *a, const int8_t *x, int32_t *sums);

#endif
