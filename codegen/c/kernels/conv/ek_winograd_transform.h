/* One column of inputs of a Winograd convolution: the readable equal of the assembly. Of four
 * channels, the first and third are a pair, the second and fourth another. */
#ifndef EK_WINOGRAD_TRANSFORM_H
#define EK_WINOGRAD_TRANSFORM_H

#include "ek_winograd.h"

/* The values of one channel, d: rows 0, 2, 4, 1, 3, 5; next: from one value to the next. */
EK_INLINE void ek_winograd_values(const int32_t d[EK_WINOGRAD_POINTS], int32_t next, int16_t *v)
{
    const int32_t even = d[2] - 4 * d[1], odd = d[4] - 4 * d[3];
    const int32_t near = d[2] - d[1], twice = 2 * (d[4] - d[3]);
    v[0] = (int16_t)(even + odd);
    v[next] = (int16_t)(even - odd);
    v[2 * next] = (int16_t)(near + twice);
    v[3 * next] = (int16_t)(near - twice);
    v[4 * next] = (int16_t)(4 * d[0] - 5 * d[1] + d[2]);
    v[5 * next] = (int16_t)(4 * d[3] - 5 * d[4] + d[5]);
}

/* offset: what is added to inputs. */
EK_INLINE void ek_winograd_transform(const ek_winograd_column *a, int32_t offset)
{
    const int32_t next = 2 * EK_WINOGRAD_WIDTH;
    for (int32_t i = 0; i < a->moved * EK_WINOGRAD_POINTS; ++i) {
        int16_t *from = a->v + i * next;
        for (int32_t k = 0; k < 4; ++k) {
            from[k - 4] = from[k];
        }
    }
    for (int32_t c = 0; c < 4 * a->words; ++c) {
        int32_t d[EK_WINOGRAD_POINTS];
        for (int32_t k = 0; k < EK_WINOGRAD_POINTS; ++k) {
            d[k] = a->rows[k][a->at + c] + offset;
        }
        const int32_t pair = 2 * (c / 4) + (c & 1), half = c >> 1 & 1;
        ek_winograd_values(d, next, a->v + pair * EK_WINOGRAD_RECORD + half);
    }
}

#endif
