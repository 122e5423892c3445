/* int8 softmax of rows x depth: powers from a table over the difference to the row's maximum,
 * divided by their sum, half to even.
 *
 * table   256 powers in units so small that the sum of a row fits 32 bits
 * factor  reciprocal of the output's scale, with `bits` fraction bits
 */
#include "ek_common.h"

EK_KERNEL void ek_table_softmax_s8(int32_t rows, int32_t depth, uint32_t factor, int32_t bits,
                                   int32_t zero_point, const uint32_t *table, const int8_t *x,
                                   int8_t *y)
{
    for (int32_t row = 0; row < rows; ++row) {
        int32_t largest = -128;
        for (int32_t i = 0; i < depth; ++i) {
            largest = x[i] > largest ? x[i] : largest;
        }
        uint32_t sum = 0;
        for (int32_t i = 0; i < depth; ++i) {
            sum += table[largest - x[i]];
        }
        const uint64_t half = (uint64_t)sum << bits;
        for (int32_t i = 0; i < depth; ++i) {
            const uint64_t total = 2 * (uint64_t)table[largest - x[i]] * factor + half;
            const uint64_t whole = total / (2 * half);
            const uint64_t odd = total - whole * 2 * half == 0 ? whole & 1 : 0; /* a tie */
            y[i] = (int8_t)ek_clamp_i32((int32_t)(whole - odd) + zero_point, -128, 127);
        }
        x += depth;
        y += depth;
    }
}
