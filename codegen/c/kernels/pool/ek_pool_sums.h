/* Sums over the positions of a window that lie inside the input, NHWC, of one channel or of four that
 * follow each other and share the walk. */
#ifndef EK_POOL_SUMS_H
#define EK_POOL_SUMS_H

#include "ek_walk.h"

/* x: the first channel at the first of those positions. */
EK_INLINE void ek_pool_sums(const ek_walk *w, int32_t channels, const int8_t *x, int32_t sums[4])
{
    int32_t s0 = 0, s1 = 0, s2 = 0, s3 = 0;
    for (int32_t row = w->rows; row > 0; --row) {
        const int8_t *p = x;
        for (int32_t n = w->columns; n > 0; --n) {
            s0 += p[0];
            if (channels == 4) {
                s1 += p[1];
                s2 += p[2];
                s3 += p[3];
            }
            p += w->step;
        }
        x += w->row_step;
    }
    sums[0] = s0;
    sums[1] = s1;
    sums[2] = s2;
    sums[3] = s3;
}

#endif
