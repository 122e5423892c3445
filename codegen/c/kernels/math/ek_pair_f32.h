/* Numbers of about 48 bits as unevaluated sums of two floats (Dekker 1971), for float32 functions
 * that need more digits on the way than a float has. */
#ifndef EK_PAIR_F32_H
#define EK_PAIR_F32_H

#include "ek_bits_f32.h"

typedef struct {
    float high;
    float low;
} ek_pair;

/* a + b exactly, for |a| >= |b| or a = 0. */
EK_INLINE ek_pair ek_pair_sum(float a, float b)
{
    ek_pair p;
    p.high = a + b;
    p.low = b - (p.high - a);
    return p;
}

/* a * b exactly, short of overflow and underflow. */
EK_INLINE ek_pair ek_pair_exact_product(float a, float b)
{
    const float ah = ek_from_bits(ek_to_bits(a) & 0xFFFFF000u);
    const float bh = ek_from_bits(ek_to_bits(b) & 0xFFFFF000u);
    const float al = a - ah;
    const float bl = b - bh;
    ek_pair p;
    p.high = a * b;
    p.low = ((ah * bh - p.high) + ah * bl + al * bh) + al * bl;
    return p;
}

EK_INLINE ek_pair ek_pair_product(ek_pair a, ek_pair b)
{
    const ek_pair p = ek_pair_exact_product(a.high, b.high);
    return ek_pair_sum(p.high, p.low + (a.high * b.low + a.low * b.high));
}

/* a / b for a float a. */
EK_INLINE ek_pair ek_pair_quotient(float a, ek_pair b)
{
    const float q = a / b.high;
    const ek_pair p = ek_pair_exact_product(q, b.high);
    const float rest = ((a - p.high) - p.low) - q * b.low;
    return ek_pair_sum(q, rest / b.high);
}

#endif
