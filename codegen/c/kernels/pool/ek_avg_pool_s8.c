/* int8 mean over the positions of a window that lie inside the input, NHWC, rounded half away
 * from zero, or up. Input and output share scale and zero point. */
#include "ek_pool_sums.h"

#define EK_RECIPROCALS 256 /* counts below divide by a product */

/* Division by the number of positions.
 *
 * As unsigned numbers, 128 higher, sums are at most 255 times their count. Half of it is added, and one
 * taken off below zero where a tie is to be rounded down. For counts below 256 the result times
 * ceil(2^24 / count) fits into 32 bits, and what is too much (count times itself times 2^-24) is too
 * little to reach the next quotient. */
typedef struct {
    uint32_t count, reciprocal;
    int32_t start, ties; /* ties: -1 where those below zero are rounded down, else 0 */
} ek_divisor;

EK_INLINE ek_divisor ek_divisor_of(int32_t count, int half_up)
{
    const uint32_t n = (uint32_t)count;
    const ek_divisor d = {n, n == 0 ? 0 : ((UINT32_C(1) << 24) + n - 1) / n, 128 * count + count / 2,
                          half_up || (count & 1) ? 0 : -1};
    return d;
}

EK_INLINE int8_t ek_divided(int32_t sum, const ek_divisor *d, int32_t low, int32_t high)
{
    const uint32_t n = (uint32_t)(sum + d->start + ((sum >> 31) & d->ties));
    const uint32_t mean = d->count < EK_RECIPROCALS ? (n * d->reciprocal) >> 24 : n / d->count;
    return (int8_t)ek_clamp_i32((int32_t)mean - 128, low, high);
}

EK_KERNEL void ek_avg_pool_s8(const ek_window *w, int half_up, int32_t low, int32_t high,
                              const int8_t *x, int8_t *y)
{
    ek_divisor d = ek_divisor_of(0, half_up);
    for (int32_t i = 0; i < w->out_h; ++i) {
        const int32_t oy = ek_turn(w, i, w->out_h);
        for (int32_t j = 0; j < w->out_w; ++j) {
            const ek_strip s = ek_strip_of(w, oy, ek_turn(w, j, w->out_w));
            const int8_t *src = x + s.in * w->in_c;
            int8_t *dst = y + s.out * w->out_c;
            const ek_walk walk = ek_walk_of(w, &s);
            const int32_t count = walk.rows * walk.columns;
            if ((uint32_t)count != d.count) {
                d = ek_divisor_of(count, half_up);
            }
            int32_t sums[4], c = 0;
            for (; c + 4 <= w->in_c; c += 4) {
                ek_pool_sums(&walk, 4, src + c, sums);
                for (int32_t n = 0; n < 4; ++n) {
                    dst[c + n] = ek_divided(sums[n], &d, low, high);
                }
            }
            for (; c < w->in_c; ++c) {
                ek_pool_sums(&walk, 1, src + c, sums);
                dst[c] = ek_divided(sums[0], &d, low, high);
            }
        }
    }
}
