/* Four rows and two columns of outputs of a Winograd convolution, some channels times some filters:
 * the readable equal of the assembly. Sums are exact modulo 2^32. */
#ifndef EK_WINOGRAD_SUMS_H
#define EK_WINOGRAD_SUMS_H

#include "ek_winograd.h"

/* An output from 24 times its sum and the filter's constants. */
typedef int8_t (*ek_winograd_scaling)(const ek_winograd_tile *a, const int32_t *q, uint32_t sum);

EK_INLINE uint32_t ek_winograd_multiply(const ek_winograd_tile *a, const int16_t *w, int32_t point,
                                        int32_t filter, int32_t column)
{
    uint32_t sum = 0;
    for (int32_t pair = 0; pair < a->pairs; ++pair) {
        const int16_t *v = a->v + pair * EK_WINOGRAD_RECORD + 2 * EK_WINOGRAD_WIDTH * point;
        for (int32_t tap = 0; tap < EK_WINOGRAD_TAPS; ++tap) {
            const int32_t at = 2 * ((pair * EK_WINOGRAD_TAPS + tap) * EK_WINOGRAD_FILTERS + filter);
            for (int32_t half = 0; half < 2; ++half) {
                sum += (uint32_t)(w[at + half] * v[2 * (column + tap) + half]);
            }
        }
    }
    return sum;
}

/* The four outputs of a column before they are scaled, from the products of its six points. */
EK_INLINE void ek_winograd_rows(const uint32_t m[EK_WINOGRAD_POINTS], uint32_t y[EK_WINOGRAD_ROWS])
{
    const uint32_t near = m[0] + m[1], odd = m[0] - m[1];
    const uint32_t far = m[2] + m[3], twice = 2 * (m[2] - m[3]);
    y[0] = near + far + m[4];
    y[1] = odd + twice;
    y[2] = near + 4 * far;
    y[3] = odd + 4 * twice + m[5];
}

/* starts: how many words a block's constants begin with that are what sums start with, one for each
 * filter or none; then all start with a->start. */
EK_INLINE void ek_winograd_block(const ek_winograd_tile *a, int32_t block, const int16_t *w,
                                 int32_t starts, ek_winograd_scaling scale)
{
    const int32_t *q = a->q + block * EK_WINOGRAD_Q;
    const int32_t words = (EK_WINOGRAD_Q - starts) / EK_WINOGRAD_FILTERS;
    const int32_t size = 2 * a->pairs * EK_WINOGRAD_TAPS * EK_WINOGRAD_FILTERS;
    for (int32_t i = 0; i < EK_WINOGRAD_SUMS; ++i) {
        const int32_t filter = i / EK_WINOGRAD_COLUMNS, column = i % EK_WINOGRAD_COLUMNS;
        uint32_t m[EK_WINOGRAD_POINTS], y[EK_WINOGRAD_ROWS];
        for (int32_t point = 0; point < EK_WINOGRAD_POINTS; ++point) {
            m[point] = ek_winograd_multiply(a, w + point * size, point, filter, column);
        }
        ek_winograd_rows(m, y);
        for (int32_t row = 0; row < EK_WINOGRAD_ROWS; ++row) {
            int32_t *wait = a->waiting + block * EK_WINOGRAD_WAITING + row * EK_WINOGRAD_SUMS + i;
            y[row] += (uint32_t)(a->first ? starts > 0 ? q[filter] : a->start : *wait);
            if (a->last) {
                a->y[row][block * EK_WINOGRAD_FILTERS + filter + column * a->distance] =
                    scale(a, q + starts + filter * words, y[row]);
            } else {
                *wait = (int32_t)y[row];
            }
        }
    }
}

EK_INLINE void ek_winograd_blocks(const ek_winograd_tile *a, int32_t starts, ek_winograd_scaling scale)
{
    const int32_t size = 2 * a->pairs * EK_WINOGRAD_TAPS * EK_WINOGRAD_FILTERS;
    for (int32_t block = 0; block < a->blocks; ++block) {
        ek_winograd_block(a, block, a->weights + block * EK_WINOGRAD_POINTS * size, starts, scale);
    }
}

#endif
