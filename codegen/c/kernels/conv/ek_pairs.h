/* Two filters in one register: what the kernels share that read such weights. */
#ifndef EK_PAIRS_H
#define EK_PAIRS_H

#include "ek_requant.h"

/* How a complete sum becomes an output. */
#define EK_PAIRS_KEEP 0  /* it waits */
#define EK_PAIRS_SCALE 1 /* one product and a shift */
#define EK_PAIRS_CLAMP 2 /* the same, for a narrow range */
#define EK_PAIRS_TWICE 3 /* rounded twice, as TFLite does */
#define EK_PAIRS_SHIFT 4 /* one product, the filter's own shift, any range */
#define EK_PAIRS_EVEN 7  /* a float product, half to even, as ONNX Runtime does */
#define EK_PAIRS_EVEN_CLAMP 8 /* the same, for a narrow range */

/* The high word of a * b, rounded, plus c. */
EK_INLINE int32_t ek_smmlar(int32_t a, int32_t b, int32_t c)
{
    return (int32_t)(((int64_t)a * b + (INT64_C(1) << 31)) >> 32) + c;
}

/* Add the products of two inputs and a word of weights, a + 256 b in each halfword: sums of a, and
 * of the halfwords. */
EK_INLINE void ek_pairs_multiply(int32_t word, int32_t first, int32_t second, uint32_t sums[2])
{
    const int32_t low = (int16_t)(word & 0xffff);
    const int32_t high = word >> 16;
    sums[0] += (uint32_t)(first * (int8_t)(low & 0xff) + second * (int8_t)(high & 0xff));
    sums[1] += (uint32_t)(first * low) + (uint32_t)(second * high);
}

/* A sum times a float, half to even; bits: those of the float, 2^-8 of it where upper. */
EK_INLINE int32_t ek_pairs_even(int32_t upper, int32_t bits, int32_t sum)
{
    const int32_t significand = (bits & 0x7fffff) | 0x800000;
    const int32_t exponent = bits >> 23; /* scales are positive */
    if (exponent == 0) {
        return 0;
    }
    return ek_scale_even(upper ? sum >> 8 : sum, significand << 7,
                         exponent + (upper ? 8 : 0) - 126);
}

/* An output; upper: the sum is 256 times that of the filter, q: the filter's two constants. */
EK_INLINE int8_t ek_pairs_scale(int32_t tail, int32_t upper, const int32_t *q, int32_t sum,
                                int32_t shift, int32_t zero, int32_t add, int32_t subtract)
{
    int32_t high;
    if (tail == EK_PAIRS_TWICE) {
        const int32_t twice = upper ? sum >> 7 : 2 * sum;
        high = ek_smmlar(twice, q[0], zero * (1 << (q[1] - 1))) + (twice >> 31);
        return (int8_t)ek_clamp_i32(high >> q[1], -128, 127);
    }
    if (tail == EK_PAIRS_EVEN || tail == EK_PAIRS_EVEN_CLAMP) {
        high = ek_pairs_even(upper, q[0], sum) + q[1];
    } else if (tail == EK_PAIRS_SHIFT) {
        high = ek_smmlar(upper ? sum >> 8 : sum, q[0], q[1] >> 5) >> (q[1] & 31);
    } else {
        high = ek_smmlar(sum, q[0], q[1]) >> (shift + (upper ? 8 : 0));
    }
    if (tail == EK_PAIRS_SCALE || tail == EK_PAIRS_EVEN) {
        return (int8_t)ek_clamp_i32(high, -128, 127);
    }
    return (int8_t)(ek_clamp_i32(ek_clamp_i32(high, 0, 255) + add, 0, 255) - subtract);
}

#endif
