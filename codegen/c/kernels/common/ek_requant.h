/* Requantization: int32 accumulator -> int8, one function for each rounding rule.
 * The rules are specified, with their sources, in quantize/requantize.py. */
#ifndef EK_REQUANT_H
#define EK_REQUANT_H

#include "ek_common.h"

#define EK_DOUBLE 0 /* high multiply rounded, then a rounded shift (TFLite) */
#define EK_RIGHT 5  /* EK_DOUBLE where every channel shifts right by at least one */
#define EK_SINGLE 1 /* one rounding, half up */
#define EK_HIGH 2   /* one rounding, half up, shift fixed at 32 */
#define EK_AWAY 3   /* one rounding, half away from zero */
#define EK_FLOAT 4  /* product in double, half away from zero */
#define EK_REDUCED 6 /* 16-bit multiplier, one rounding, half up; ek_requant_s16.h only */
#define EK_NARROW 8  /* EK_REDUCED of int32 by one high word; ek_requant_s16.h only */
#define EK_EVEN 7   /* product in float, half to even (ONNX Runtime), computed in integers */

typedef struct {
    const int32_t *multiplier; /* per channel (step 1) or one (step 0); not for EK_FLOAT */
    const int8_t *shift;       /* the same; not for EK_HIGH */
    const double *scale;       /* the same; for EK_FLOAT only */
    int32_t step;
    int32_t zero_point;
    int32_t low, high;
} ek_requant;

/* round(a * b / 2^31), half up. */
EK_INLINE int32_t ek_high_mul(int32_t a, int32_t b)
{
    return (int32_t)(((int64_t)a * b + (INT64_C(1) << 30)) >> 31);
}

/* round(x / 2^exponent), half away from zero; exponent 0..31. */
EK_INLINE int32_t ek_round_shift(int32_t x, int32_t exponent)
{
    const int32_t mask = (int32_t)((UINT32_C(1) << exponent) - 1u);
    const int32_t threshold = (mask >> 1) + (x < 0 ? 1 : 0);
    return (x >> exponent) + ((x & mask) > threshold ? 1 : 0);
}

EK_INLINE int32_t ek_scale_double(int32_t x, int32_t multiplier, int32_t shift)
{
    const int32_t left = shift > 0 ? shift : 0;
    const int32_t right = shift > 0 ? 0 : -shift;
    return ek_round_shift(ek_high_mul((int32_t)((uint32_t)x << left), multiplier), right);
}

/* Half away from zero without a mask: floor((x - (x < 0)) / 2^(right - 1)), then half up. */
EK_INLINE int32_t ek_scale_right(int32_t x, int32_t multiplier, int32_t shift)
{
    const int32_t y = ek_high_mul(x, multiplier);
    return (((y + (y >> 31)) >> (-shift - 1)) + 1) >> 1;
}

EK_INLINE int32_t ek_scale_single(int32_t x, int32_t multiplier, int32_t shift)
{
    const int32_t total = 31 - shift;
    return (int32_t)(((int64_t)x * multiplier + (INT64_C(1) << (total - 1))) >> total);
}

EK_INLINE int32_t ek_scale_high(int32_t x, int32_t multiplier)
{
    return (int32_t)(((int64_t)x * multiplier + (INT64_C(1) << 31)) >> 32);
}

EK_INLINE int32_t ek_scale_away(int32_t x, int32_t multiplier, int32_t shift)
{
    const int32_t total = 31 - shift;
    const int64_t product = (int64_t)x * multiplier;
    const int64_t half = INT64_C(1) << (total - 1);
    return (int32_t)(product < 0 ? -((half - product) >> total) : (product + half) >> total);
}

/* round(x / 2^exponent), half to even. */
EK_INLINE uint64_t ek_half_even(uint64_t x, int32_t exponent)
{
    if (exponent <= 0) {
        return x;
    }
    const uint64_t half = UINT64_C(1) << (exponent - 1);
    const uint64_t sum = x + half;
    const uint64_t y = sum >> exponent;
    return (sum & (2 * half - 1)) == 0 ? y & ~UINT64_C(1) : y; /* nothing left over: a tie */
}

/* How many low bits a float leaves out of x. */
EK_INLINE int32_t ek_beyond_float(uint64_t x)
{
    int32_t count = 0;
    while ((x >> count) >= UINT64_C(1) << 24) {
        ++count;
    }
    return count;
}

/* The float product, step by step: x as a float, the product as a float, the nearest integer. */
EK_KERNEL int32_t ek_scale_as_float(int32_t x, int32_t multiplier, int32_t shift)
{
    uint64_t p = x < 0 ? 0u - (uint64_t)x : (uint64_t)x;
    int32_t less = ek_beyond_float(p);
    p = (ek_half_even(p, less) << less) * (uint64_t)multiplier;
    less = ek_beyond_float(p);
    p = ek_half_even(ek_half_even(p, less) << less, 31 - shift);
    return x < 0 ? -(int32_t)p : (int32_t)p;
}

/* Far from a tie the float product and the exact one round alike. Outputs beyond 512 saturate; up
 * to there the two roundings to float move a product by at most 2^-15. */
EK_INLINE int32_t ek_scale_even(int32_t x, int32_t multiplier, int32_t shift)
{
    const int32_t total = 31 - shift;
    const uint64_t mask = (UINT64_C(1) << total) - 1;
    const uint64_t near = total > 15 ? UINT64_C(1) << (total - 15) : mask;
    const int64_t sum = (int64_t)x * multiplier + (INT64_C(1) << (total - 1));
    if ((((uint64_t)sum + near) & mask) > 2 * near) {
        return (int32_t)(sum >> total);
    }
    return ek_scale_as_float(x, multiplier, shift);
}

/* Half away from zero; far values saturate. */
EK_INLINE int32_t ek_round_double(double value)
{
    if (value > 1000000.0 || value < -1000000.0) {
        return value > 0.0 ? 1000000 : -1000000;
    }
    const int32_t whole = (int32_t)value;
    const double rest = value - (double)whole;
    return whole + (rest >= 0.5 ? 1 : 0) - (rest <= -0.5 ? 1 : 0);
}

EK_INLINE int8_t ek_requantize(int32_t acc, const ek_requant *q, int32_t channel, int rule)
{
    const int32_t i = channel * q->step;
    int32_t y;
    if (rule == EK_DOUBLE) {
        y = ek_scale_double(acc, q->multiplier[i], q->shift[i]);
    } else if (rule == EK_RIGHT) {
        y = ek_scale_right(acc, q->multiplier[i], q->shift[i]);
    } else if (rule == EK_SINGLE) {
        y = ek_scale_single(acc, q->multiplier[i], q->shift[i]);
    } else if (rule == EK_EVEN) {
        y = ek_scale_even(acc, q->multiplier[i], q->shift[i]);
    } else if (rule == EK_AWAY) {
        y = ek_scale_away(acc, q->multiplier[i], q->shift[i]);
    } else if (rule == EK_HIGH) {
        y = ek_scale_high(acc, q->multiplier[i]);
    } else {
        y = ek_round_double((double)acc * q->scale[i]);
    }
    return (int8_t)ek_clamp_i32(y + q->zero_point, q->low, q->high);
}

#endif
