/* Requantization as vector instructions do it: a high multiply, then a rounding shift to the right.
 * codegen/assembly/mve/scaling.py proves which form equals a model's rule. */
#ifndef EK_SCALING_H
#define EK_SCALING_H

#include "ek_common.h"

typedef struct {
    int32_t rounded; /* the high multiply rounds half up */
    int32_t away;    /* ties of the shift go away from zero */
    int32_t left;    /* sums are shifted left before, saturating; if negative, before their bias */
    int32_t zero_point;
    int32_t low, high;
} ek_scaling;

/* `table`: bias, significand, and the negated number of bits to shift right (1 to 31). */
EK_INLINE int8_t ek_scaled_s8(const ek_scaling *s, int32_t sum, const int32_t *table)
{
    const int late = s->left < 0;
    int64_t wide = (int64_t)(late ? sum : sum + table[0]);
    wide *= INT64_C(1) << (late ? -s->left : s->left);
    wide = wide > INT32_MAX ? INT32_MAX : wide;
    wide = wide < INT32_MIN ? INT32_MIN : wide;
    wide += late ? table[0] : 0;
    int64_t y = (wide * table[1] + (s->rounded ? INT64_C(1) << 30 : 0)) >> 31;
    y -= s->away && y < 0 ? 1 : 0;
    y = (y + (INT64_C(1) << (-table[2] - 1))) >> -table[2];
    return (int8_t)ek_clamp_i32((int32_t)y + s->zero_point, s->low, s->high);
}

#endif
