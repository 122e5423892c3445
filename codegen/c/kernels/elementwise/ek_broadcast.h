/* Geometry of a broadcasting binary operator: four axes, a step of 0 where an operand repeats. */
#ifndef EK_BROADCAST_H
#define EK_BROADCAST_H

#include "ek_common.h"

typedef struct {
    int32_t size[4];
    int32_t a_step[4];
    int32_t b_step[4];
} ek_broadcast;

#endif
