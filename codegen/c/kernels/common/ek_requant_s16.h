/* Requantization of wide accumulators: int64 -> int16. The rules are those of ek_requant.h;
 * EK_REDUCED is specified with its source in quantize/requantize.py. */
#ifndef EK_REQUANT_S16_H
#define EK_REQUANT_S16_H

#include "ek_narrow.h"
#include "ek_requant.h"

EK_INLINE int32_t ek_scale_reduced(int64_t x, int32_t multiplier, int32_t shift)
{
    const int32_t total = 15 - shift;
    return (int32_t)((x * multiplier + (INT64_C(1) << (total - 1))) >> total);
}

/* EK_DOUBLE, EK_RIGHT and EK_NARROW: the generator has checked that the accumulator stays inside int32. */
EK_INLINE int16_t ek_requantize_s16(int64_t acc, const ek_requant *q, int32_t channel, int rule)
{
    const int32_t i = channel * q->step;
    int32_t y;
    if (rule == EK_REDUCED) {
        y = ek_scale_reduced(acc, q->multiplier[i], q->shift[i]);
    } else if (rule == EK_NARROW) {
        y = ek_narrow_high((int32_t)acc, q->multiplier[i]);
    } else if (rule == EK_FLOAT) {
        y = ek_round_double((double)acc * q->scale[i]);
    } else {
        y = ek_scale_double((int32_t)acc, q->multiplier[i], q->shift[i]);
    }
    return (int16_t)ek_clamp_i32(y + q->zero_point, q->low, q->high);
}

#endif
