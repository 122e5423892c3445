/* Requantization as vector instructions do it: a high multiply, then a rounding shift to the right.
 * codegen/assembly/mve/scaling.py proves which form equals a model's rule. */
#ifndef EK_SCALING_H
#define EK_SCALING_H

#include "ek_common.h"
#include "ek_requant.h"

#define EK_FLOATING 2

typedef struct {
    int32_t product; /* high multiply: 0 truncates, 1 rounds half up; EK_FLOATING: float, to even */
    int32_t away;    /* ties of the shift go away from zero */
    int32_t left;    /* sums are shifted left before, saturating; if negative, before their bias */
    int32_t zero_point;
    int32_t low, high;
} ek_scaling;

/* The rule of ek_scale_even; `bits` are those of the float scale, which is normal or 0. */
EK_INLINE int32_t ek_float_product(int32_t sum, int32_t bits, int32_t shift)
{
    const uint32_t field = ((uint32_t)bits & 0x7fffffu) | 0x800000u;
    return bits == 0 ? 0 : ek_scale_even(sum, (int32_t)(field << 7), shift);
}

/* `table`: bias, significand, and the negated number of bits to shift right (1 to 31); bias, the
 * bits of a float and its exponent for EK_FLOATING. */
EK_INLINE int8_t ek_scaled_s8(const ek_scaling *s, int32_t sum, const int32_t *table)
{
    if (s->product == EK_FLOATING) {
        const int32_t product = ek_float_product(sum + table[0], table[1], table[2]);
        return (int8_t)ek_clamp_i32(product + s->zero_point, s->low, s->high);
    }
    const int late = s->left < 0;
    int64_t wide = (int64_t)(late ? sum : sum + table[0]);
    wide *= INT64_C(1) << (late ? -s->left : s->left);
    wide = wide > INT32_MAX ? INT32_MAX : wide;
    wide = wide < INT32_MIN ? INT32_MIN : wide;
    wide += late ? table[0] : 0;
    int64_t y = (wide * table[1] + (s->product ? INT64_C(1) << 30 : 0)) >> 31;
    y -= s->away && y < 0 ? 1 : 0;
    y = (y + (INT64_C(1) << (-table[2] - 1))) >> -table[2];
    return (int8_t)ek_clamp_i32((int32_t)y + s->zero_point, s->low, s->high);
}

#endif
