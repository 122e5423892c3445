/* Stacks of matrix products y = a b for any element type: rows x depth by depth x columns, all
 * row by row in memory. Sums are of type S, which is unsigned for integers: they wrap around. */
#ifndef EK_MATMUL_H
#define EK_MATMUL_H

#include "ek_common.h"

/* Leading axes, and the steps of both operands along them in elements (0 where one repeats). */
typedef struct {
    int32_t stack[4];
    int32_t a_step[4];
    int32_t b_step[4];
    int32_t rows, depth, columns;
} ek_matmul;

/* Where matrix n of an operand starts. */
EK_INLINE int32_t ek_matmul_offset(const ek_matmul *g, const int32_t step[4], int32_t n)
{
    int32_t offset = 0;
    for (int i = 3; i >= 0; --i) {
        offset += n % g->stack[i] * step[i];
        n /= g->stack[i];
    }
    return offset;
}

#define EK_MATMUL(T, S, g, pa, pb, py)                                                        \
    do {                                                                                      \
        const int32_t ek_count = (g)->stack[0] * (g)->stack[1] * (g)->stack[2] * (g)->stack[3]; \
        T *ek_y = (py);                                                                       \
        for (int32_t ek_n = 0; ek_n < ek_count; ++ek_n) {                                     \
            const T *ek_a = (pa) + ek_matmul_offset((g), (g)->a_step, ek_n);                  \
            const T *ek_b = (pb) + ek_matmul_offset((g), (g)->b_step, ek_n);                  \
            for (int32_t ek_row = 0; ek_row < (g)->rows; ++ek_row) {                          \
                for (int32_t ek_c = 0; ek_c < (g)->columns; ++ek_c) {                         \
                    S ek_sum = 0;                                                             \
                    for (int32_t ek_k = 0; ek_k < (g)->depth; ++ek_k) {                       \
                        ek_sum += (S)ek_a[ek_k] * (S)ek_b[ek_k * (g)->columns + ek_c];        \
                    }                                                                         \
                    *ek_y++ = (T)ek_sum;                                                      \
                }                                                                             \
                ek_a += (g)->depth;                                                           \
            }                                                                                 \
        }                                                                                     \
    } while (0)

#endif
