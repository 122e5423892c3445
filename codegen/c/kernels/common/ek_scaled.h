/* Requantization by the high half of an unsigned product; codegen/assembly/rv32/scale.py finds and
 * proves the constants. */
#ifndef EK_SCALED_H
#define EK_SCALED_H

#include "ek_common.h"

EK_INLINE int32_t ek_scaled_value(uint32_t field, const int32_t *table)
{
    const uint64_t product = (uint64_t)field * (uint32_t)table[0];
    return (int32_t)((uint32_t)(product >> 32) + (uint32_t)table[1]);
}

/* The field is the sum at the top of a word. */
EK_INLINE int8_t ek_scaled(uint32_t field, const int32_t *table, int32_t low, int32_t top)
{
    const int32_t value = ek_scaled_value(field, table) >> (table[2] & 31);
    return (int8_t)(low + ek_clamp_i32(value, 0, top));
}

/* The same for a field that is signed. */
EK_INLINE int8_t ek_scaled_sum(int32_t field, const int32_t *table, int32_t low, int32_t top)
{
    const int64_t product = (int64_t)field * table[0];
    const uint32_t value = (uint32_t)(int32_t)(product >> 32) + (uint32_t)table[1];
    return (int8_t)(low + ek_clamp_i32((int32_t)value >> (table[2] & 31), 0, top));
}

/* ek_scaled with a correction of negative values, held above the shift; zero: twice the distance of
 * the output's zero point from the smallest output, plus one. */
EK_INLINE int8_t ek_scaled_signed(uint32_t field, const int32_t *table, int32_t low, int32_t top,
                                  int32_t zero)
{
    int32_t value = ek_scaled_value(field, table);
    value += value < 0 ? table[2] >> 5 : 0;
    value = ((value >> (table[2] & 31)) + zero) >> 1;
    return (int8_t)(low + ek_clamp_i32(value, 0, top));
}

#endif
