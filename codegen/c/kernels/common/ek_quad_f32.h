/* Four neighbouring floats at once: a vector where the machine has such registers, four scalars that
 * stay in registers of their own elsewhere. Every element is computed in the same order either way. */
#ifndef EK_QUAD_F32_H
#define EK_QUAD_F32_H

#include "ek_common.h"

#if defined(__ARM_FEATURE_MVE)
#define EK_MVE_FLOAT (__ARM_FEATURE_MVE & 2)
#else
#define EK_MVE_FLOAT 0
#endif

#if defined(__GNUC__) && (defined(__SSE2__) || defined(__ARM_NEON) || EK_MVE_FLOAT)
#define EK_QUAD_VECTOR 1
typedef float ek_quad __attribute__((vector_size(16)));
typedef int32_t ek_quad_mask __attribute__((vector_size(16)));

EK_INLINE ek_quad ek_quad_load(const float *p)
{
    ek_quad q;
    __builtin_memcpy(&q, p, sizeof q);
    return q;
}

/* sum + a * x */
EK_INLINE ek_quad ek_quad_scaled(ek_quad sum, ek_quad a, float x)
{
    return sum + a * x;
}

/* sum + a * b, element by element */
EK_INLINE ek_quad ek_quad_products(ek_quad sum, ek_quad a, ek_quad b)
{
    return sum + a * b;
}

/* b where the mask is set, a elsewhere */
EK_INLINE ek_quad ek_quad_select(ek_quad a, ek_quad b, ek_quad_mask mask)
{
    return (ek_quad)(((ek_quad_mask)a & ~mask) | ((ek_quad_mask)b & mask));
}

EK_INLINE void ek_quad_store(ek_quad q, float low, float high, float *y)
{
    const ek_quad bottom = {low, low, low, low};
    const ek_quad top = {high, high, high, high};
    q = ek_quad_select(q, bottom, q < bottom);
    q = ek_quad_select(q, top, q > top);
    __builtin_memcpy(y, &q, sizeof q);
}
#else
#define EK_QUAD_VECTOR 0
typedef struct {
    float a, b, c, d;
} ek_quad;

EK_INLINE ek_quad ek_quad_load(const float *p)
{
    const ek_quad q = {p[0], p[1], p[2], p[3]};
    return q;
}

/* sum + a * x */
EK_INLINE ek_quad ek_quad_scaled(ek_quad sum, ek_quad a, float x)
{
    const ek_quad q = {sum.a + a.a * x, sum.b + a.b * x, sum.c + a.c * x, sum.d + a.d * x};
    return q;
}

/* sum + a * b, element by element */
EK_INLINE ek_quad ek_quad_products(ek_quad sum, ek_quad a, ek_quad b)
{
    const ek_quad q = {sum.a + a.a * b.a, sum.b + a.b * b.b, sum.c + a.c * b.c, sum.d + a.d * b.d};
    return q;
}

EK_INLINE void ek_quad_store(ek_quad q, float low, float high, float *y)
{
    y[0] = ek_clamp_f32(q.a, low, high);
    y[1] = ek_clamp_f32(q.b, low, high);
    y[2] = ek_clamp_f32(q.c, low, high);
    y[3] = ek_clamp_f32(q.d, low, high);
}
#endif

#endif
