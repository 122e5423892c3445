/* Sigmoid and hyperbolic tangent of int16: a table of sigmoid(i / 24) in steps of 1/65536, linear
 * between its entries (the arithmetic of TFLite's int16 kernels). */
#ifndef EK_SIGMOID_S16_H
#define EK_SIGMOID_S16_H

#include "ek_common.h"

/* x on a scale of 1/12288. */
EK_INLINE int32_t ek_curve_argument(int16_t x, int32_t multiplier, int32_t shift)
{
    return (x * multiplier + (shift > 0 ? (int32_t)(1u << (shift - 1)) : 0)) >> shift;
}

/* Entries are 2^bits steps apart; last stands for everything beyond them. */
EK_INLINE int32_t ek_curve(uint32_t magnitude, const uint16_t *table, uint32_t bits, int32_t last)
{
    const uint32_t index = magnitude >> bits;
    if (index >= 255u) {
        return last;
    }
    const int32_t start = table[index];
    const int32_t rest = (int32_t)(magnitude & ((1u << bits) - 1u));
    return (int32_t)((uint32_t)start << bits) + rest * (table[index + 1u] - start);
}

EK_INLINE int16_t ek_sigmoid_s16(int16_t x, const uint16_t *table, int32_t multiplier, int32_t shift)
{
    const int32_t argument = ek_curve_argument(x, multiplier, shift);
    const uint32_t magnitude = (uint32_t)(argument < 0 ? -argument : argument);
    const int32_t y = ek_curve(magnitude, table, 9u, 0x7FFF << 10);
    return (int16_t)((argument >= 0 ? y + (1 << 9) : (1 << 25) - y + (1 << 9) - 1) >> 10);
}

EK_INLINE int16_t ek_tanh_s16(int16_t x, const uint16_t *table, int32_t multiplier, int32_t shift)
{
    const int32_t argument = ek_curve_argument(x, multiplier, shift);
    const uint32_t magnitude = (uint32_t)(argument < 0 ? -argument : argument);
    const int32_t y = ek_curve(magnitude, table, 8u, 0xFFFF << 8);
    const int32_t half = argument >= 0 ? y - (1 << 23) + (1 << 7) : (1 << 23) - y + (1 << 7) - 1;
    return (int16_t)(half >> 8);
}

#endif
