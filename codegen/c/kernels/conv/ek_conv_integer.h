/* Convolution of 8-bit integers less their zero points, NCHW, to int32. Sums wrap around; padding
 * contributes nothing.
 *
 * TX, TW  element types
 * zx, zw  zero points; zw moves on by zw_step for each filter
 */
#ifndef EK_CONV_INTEGER_H
#define EK_CONV_INTEGER_H

#include "ek_common.h"

/* The sum over one window and the channels of one group. */
#define EK_CONV_INTEGER_SUM(w, px, pw, zero_x, zero_w, oy, ox, sum)                              \
    for (int32_t ek_i = 0; ek_i < (w)->in_c / (w)->groups; ++ek_i) {                             \
        for (int32_t ek_ky = 0; ek_ky < (w)->kernel_h; ++ek_ky) {                                \
            const int32_t ek_iy = (oy) * (w)->stride_h - (w)->pad_top + ek_ky * (w)->dilation_h; \
            for (int32_t ek_kx = 0; ek_kx < (w)->kernel_w; ++ek_kx) {                            \
                const int32_t ek_ix =                                                            \
                    (ox) * (w)->stride_w - (w)->pad_left + ek_kx * (w)->dilation_w;              \
                if (ek_iy >= 0 && ek_iy < (w)->in_h && ek_ix >= 0 && ek_ix < (w)->in_w) {        \
                    const int32_t ek_at = (ek_i * (w)->in_h + ek_iy) * (w)->in_w + ek_ix;        \
                    const int32_t ek_tap =                                                       \
                        (ek_i * (w)->kernel_h + ek_ky) * (w)->kernel_w + ek_kx;                  \
                    sum += (uint32_t)(((px)[ek_at] - (zero_x)) * ((pw)[ek_tap] - (zero_w)));     \
                }                                                                                \
            }                                                                                    \
        }                                                                                        \
    }

#define EK_CONV_INTEGER(TX, TW, w, px, pw, zx, zw, zw_step, py)                                  \
    do {                                                                                         \
        const int32_t ek_width = (w)->in_c / (w)->groups;                                        \
        const int32_t ek_taps = ek_width * (w)->kernel_h * (w)->kernel_w;                        \
        int32_t *ek_y = (py);                                                                    \
        for (int32_t ek_c = 0; ek_c < (w)->out_c; ++ek_c) {                                      \
            const int32_t ek_group = ek_c / ((w)->out_c / (w)->groups);                          \
            const TX *ek_x = (px) + ek_group * ek_width * (w)->in_h * (w)->in_w;                 \
            const TW *ek_w = (pw) + ek_c * ek_taps;                                              \
            const int32_t ek_zero = (zw)[ek_c * (zw_step)];                                      \
            for (int32_t ek_oy = 0; ek_oy < (w)->out_h; ++ek_oy) {                               \
                for (int32_t ek_ox = 0; ek_ox < (w)->out_w; ++ek_ox) {                           \
                    uint32_t ek_sum = 0;                                                         \
                    EK_CONV_INTEGER_SUM(w, ek_x, ek_w, *(zx), ek_zero, ek_oy, ek_ox, ek_sum)     \
                    *ek_y++ = (int32_t)ek_sum;                                                   \
                }                                                                                \
            }                                                                                    \
        }                                                                                        \
    } while (0)

#endif
