/* Sums of some filters at a time over one vector of int8: the gates of one unit of an LSTM or more. Their
 * order is that of the kernel: ek_gates_s8.c is the portable one of Armv8.1-M, ek_gate_blocks_s8.c that of
 * RV32. */
#ifndef EK_GATES_H
#define EK_GATES_H

#include "ek_common.h"

/* Assembly reads the first words in this order. */
typedef struct {
    /* Group by group: what the sums of its filters start with, then their weights. */
    const int32_t *weights;
    int32_t groups;
    int32_t steps; /* Armv8.1-M: of sixteen inputs, without the last; RV32: inputs */
    int32_t rest;  /* Armv8.1-M: inputs of the last step, 1 to 16 */
    int32_t units; /* of a group */
    int32_t words; /* of a group */
} ek_gates;

typedef void (*ek_gates_kernel)(const ek_gates *a, const int8_t *x, int32_t *sums);

#endif
