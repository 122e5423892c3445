/* An operand of a quantized sum: shifted left, then rescaled to twice the larger scale. */
#ifndef EK_OPERAND_H
#define EK_OPERAND_H

#include "ek_requant.h"

typedef struct {
    int32_t zero_point;
    int32_t multiplier;
    int32_t shift;
} ek_operand;

EK_INLINE int32_t ek_operand_scaled(int32_t x, const ek_operand *o, int32_t left_shift, int rule)
{
    const int32_t wide = (x - o->zero_point) * (int32_t)(UINT32_C(1) << left_shift);
    /* EK_RIGHT speaks of the output's shift; an operand's shift may be 0. */
    return rule == EK_DOUBLE || rule == EK_RIGHT
               ? ek_scale_double(wide, o->multiplier, o->shift)
               : ek_scale_single(wide, o->multiplier, o->shift);
}

#endif
