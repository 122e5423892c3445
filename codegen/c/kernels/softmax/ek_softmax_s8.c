/* int8 softmax over rows of `depth`, output scale 1/256 and zero point -128.
 *
 * Fixed-point recipe of the TFLite reference kernel: exp of the scaled difference to the row's
 * maximum in Q5.26 -> Q0.31 (a polynomial on (-1/4, 0] times table factors for the remaining
 * bits), a sum in Q12.19, a Newton-Raphson reciprocal, one product per output.
 */
#include "ek_reciprocal.h"

/* exp(a) for a in (-1/4, 0], Q0.31 to Q0.31. */
EK_INLINE int32_t ek_exp_quarter(int32_t a)
{
    const int32_t exp_eighth = 1895147668; /* exp(-1/8) */
    const int32_t third = 715827883;
    const int32_t x = a + (1 << 28);
    const int32_t x2 = ek_high_mul(x, x);
    const int32_t x3 = ek_high_mul(x2, x);
    const int32_t x4 = ek_high_mul(x2, x2);
    const int32_t tail = ek_round_shift(ek_high_mul(ek_round_shift(x4, 2) + x3, third) + x2, 1);
    return exp_eighth + ek_high_mul(exp_eighth, x + tail);
}

/* exp(a) for a <= 0, Q5.26 to Q0.31. */
EK_INLINE int32_t ek_exp_negative(int32_t a)
{
    /* exp(-2^i) for i = -2 .. 4 in Q0.31 */
    static const int32_t factor[7] = {1672461947, 1302514674, 790015084, 290630308,
                                      39332535,   720401,     242};
    const int32_t quarter = 1 << 24;
    const int32_t part = (a & (quarter - 1)) - quarter;
    const int32_t rest = (int32_t)((uint32_t)part - (uint32_t)a);
    int32_t result = ek_exp_quarter(ek_saturating_left(part, 5));
    for (int32_t i = 0; i < 7; ++i) {
        if ((rest >> (24 + i)) & 1) {
            result = ek_high_mul(result, factor[i]);
        }
    }
    return a == 0 ? INT32_MAX : result;
}

EK_KERNEL void ek_softmax_s8(int32_t rows, int32_t depth, int32_t multiplier, int32_t left_shift,
                             int32_t diff_min, const int8_t *x, int8_t *y)
{
    for (int32_t row = 0; row < rows; ++row) {
        int32_t top = -128;
        uint32_t sum = 0; /* Q12.19: 8191 ones fit */
        for (int32_t c = 0; c < depth; ++c) {
            top = x[c] > top ? x[c] : top;
        }
        for (int32_t c = 0; c < depth; ++c) {
            const int32_t diff = x[c] - top;
            if (diff >= diff_min) {
                const int32_t scaled = ek_scale_double(diff, multiplier, left_shift);
                sum += (uint32_t)ek_round_shift(ek_exp_negative(scaled), 12);
            }
        }
        const int32_t zeros = ek_leading_zeros(sum);
        const int32_t bits = 12 - zeros;
        const int32_t scale =
            ek_reciprocal((int32_t)((sum << zeros) - UINT32_C(0x80000000)));
        for (int32_t c = 0; c < depth; ++c) {
            const int32_t diff = x[c] - top;
            int32_t value = -128;
            /* More than 31 bits leave nothing: only rows of over 256 equal entries get there. */
            if (diff >= diff_min && bits <= 8) {
                const int32_t scaled = ek_scale_double(diff, multiplier, left_shift);
                value += ek_round_shift(ek_high_mul(scale, ek_exp_negative(scaled)), bits + 23);
            }
            y[c] = (int8_t)ek_clamp_i32(value, -128, 127);
        }
        x += depth;
        y += depth;
    }
}
