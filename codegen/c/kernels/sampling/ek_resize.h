/* Bilinear resizing of integers of type T in NHWC: rows and columns are tables of (lower neighbour,
 * upper neighbour, weight of the upper one in 1/1024), the sum is rounded half away from zero. */
#ifndef EK_RESIZE_H
#define EK_RESIZE_H

#include "ek_common.h"

EK_INLINE int32_t ek_round_20(int64_t x)
{
    const int64_t magnitude = ((x < 0 ? -x : x) + (1 << 19)) >> 20;
    return (int32_t)(x < 0 ? -magnitude : magnitude);
}

#define EK_RESIZE(T, batch, in_h, in_w, out_h, out_w, depth, rows, columns, px, py)            \
    do {                                                                                       \
        T *ek_y = (T *)ek_own(py);                                                             \
        for (int32_t ek_n = 0; ek_n < (batch); ++ek_n) {                                       \
            const T *ek_x = (px) + ek_n * (in_h) * (in_w) * (depth);                           \
            for (int32_t ek_i = 0; ek_i < (out_h); ++ek_i) {                                   \
                const T *ek_top = ek_x + (rows)[3 * ek_i] * (in_w) * (depth);                  \
                const T *ek_low = ek_x + (rows)[3 * ek_i + 1] * (in_w) * (depth);              \
                const int64_t ek_v = (rows)[3 * ek_i + 2];                                     \
                for (int32_t ek_j = 0; ek_j < (out_w); ++ek_j) {                               \
                    const int32_t ek_a = (columns)[3 * ek_j] * (depth);                        \
                    const int32_t ek_b = (columns)[3 * ek_j + 1] * (depth);                    \
                    const int32_t ek_u = (columns)[3 * ek_j + 2];                              \
                    for (int32_t ek_c = 0; ek_c < (depth); ++ek_c) {                           \
                        const int32_t ek_p =                                                   \
                            ek_top[ek_a + ek_c] * (1024 - ek_u) + ek_top[ek_b + ek_c] * ek_u;  \
                        const int32_t ek_q =                                                   \
                            ek_low[ek_a + ek_c] * (1024 - ek_u) + ek_low[ek_b + ek_c] * ek_u;  \
                        *ek_y++ = (T)ek_round_20(ek_p * (1024 - ek_v) + ek_q * ek_v);          \
                    }                                                                          \
                }                                                                              \
            }                                                                                  \
        }                                                                                      \
    } while (0)

#endif
