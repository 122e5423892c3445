/* Four rows and two columns of outputs of a Winograd convolution, some channels times some filters:
 * the readable equal of the assembly. Sums are exact modulo 2^32. */
#include "ek_winograd.h"

#define EK_WINOGRAD_THIRD 0xAAAAAAABu /* three times this is 1 modulo 2^32 */

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

EK_INLINE int8_t ek_winograd_scale(const ek_winograd_tile *a, const int32_t *q, uint32_t sum)
{
    if (a->tail == EK_PAIRS_TWICE) {
        /* eight times the sum: exact, as the sum is a multiple of three */
        const int32_t whole = (int32_t)(sum * EK_WINOGRAD_THIRD) >> 3;
        return ek_pairs_scale(a->tail, 0, q, whole, 0, a->zero, 0, 0);
    }
    if (a->tail == EK_WINOGRAD_TWICE) {
        const int32_t x = (int32_t)sum;
        const int32_t high = ek_smmlar(x, q[0], a->zero * (1 << (q[1] - 1))) + (x >> 31);
        return (int8_t)ek_clamp_i32(high >> q[1], -128, 127);
    }
    return ek_pairs_scale(a->tail, 0, q, (int32_t)sum, EK_WINOGRAD_SHIFT, 0, a->add, a->subtract);
}

EK_INLINE void ek_winograd_block(const ek_winograd_tile *a, int32_t block, const int16_t *w)
{
    const int32_t *q = a->q + block * EK_WINOGRAD_Q;
    const int32_t size = 2 * a->pairs * EK_WINOGRAD_TAPS * EK_WINOGRAD_FILTERS;
    for (int32_t i = 0; i < EK_WINOGRAD_SUMS; ++i) {
        const int32_t filter = i / EK_WINOGRAD_COLUMNS, column = i % EK_WINOGRAD_COLUMNS;
        uint32_t m[EK_WINOGRAD_POINTS], y[EK_WINOGRAD_ROWS];
        for (int32_t point = 0; point < EK_WINOGRAD_POINTS; ++point) {
            m[point] = ek_winograd_multiply(a, w + point * size, point, filter, column);
        }
        m[0] += (uint32_t)(q[filter] & a->first);
        ek_winograd_rows(m, y);
        for (int32_t row = 0; row < EK_WINOGRAD_ROWS; ++row) {
            int32_t *wait = a->waiting + block * EK_WINOGRAD_WAITING + row * EK_WINOGRAD_SUMS + i;
            if (!a->first) {
                y[row] += (uint32_t)*wait;
            }
            if (a->last) {
                a->y[row][block * EK_WINOGRAD_FILTERS + filter + column * a->distance] =
                    ek_winograd_scale(a, q + 4 + 2 * filter, y[row]);
            } else {
                *wait = (int32_t)y[row];
            }
        }
    }
}

EK_KERNEL void ek_winograd_tile_s8(const ek_winograd_tile *a)
{
    const int32_t size = 2 * a->pairs * EK_WINOGRAD_TAPS * EK_WINOGRAD_FILTERS;
    for (int32_t block = 0; block < a->blocks; ++block) {
        ek_winograd_block(a, block, a->weights + block * EK_WINOGRAD_POINTS * size);
    }
}
