/* Stacks of matrix products of 8-bit integers less their zero points, to int32. Sums wrap around.
 *
 * TA, TB  element types
 * za, zb  zero points; zb moves on by zb_step for each column
 */
#ifndef EK_MATMUL_INTEGER_H
#define EK_MATMUL_INTEGER_H

#include "ek_matmul.h"

#define EK_MATMUL_INTEGER(TA, TB, g, pa, pb, za, zb, zb_step, py)                                \
    do {                                                                                         \
        const int32_t ek_count = (g)->stack[0] * (g)->stack[1] * (g)->stack[2] * (g)->stack[3];  \
        int32_t *ek_y = (py);                                                                    \
        for (int32_t ek_n = 0; ek_n < ek_count; ++ek_n) {                                        \
            const TA *ek_a = (pa) + ek_matmul_offset((g), (g)->a_step, ek_n);                    \
            const TB *ek_b = (pb) + ek_matmul_offset((g), (g)->b_step, ek_n);                    \
            for (int32_t ek_row = 0; ek_row < (g)->rows; ++ek_row) {                             \
                for (int32_t ek_c = 0; ek_c < (g)->columns; ++ek_c) {                            \
                    const int32_t ek_zero = (zb)[ek_c * (zb_step)];                              \
                    uint32_t ek_sum = 0;                                                         \
                    for (int32_t ek_k = 0; ek_k < (g)->depth; ++ek_k) {                          \
                        ek_sum += (uint32_t)((ek_a[ek_k] - *(za)) *                              \
                                             (ek_b[ek_k * (g)->columns + ek_c] - ek_zero));      \
                    }                                                                            \
                    *ek_y++ = (int32_t)ek_sum;                                                   \
                }                                                                                \
                ek_a += (g)->depth;                                                              \
            }                                                                                    \
        }                                                                                        \
    } while (0)

#endif
