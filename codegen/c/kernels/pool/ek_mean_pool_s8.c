/* int8 mean over the positions of a window that lie inside the input, NHWC, requantized by the
 * scale for their number (or by the only scale). */
#include "ek_pool_sums.h"
#include "ek_requant.h"

EK_INLINE void ek_mean_pool_s8(const ek_window *w, int32_t x_zero, const ek_requant *q,
                               const int8_t *x, int8_t *y, int rule)
{
    const ek_requant r = *q; /* a copy: stores to y cannot change it */
    for (int32_t i = 0; i < w->out_h; ++i) {
        const int32_t oy = ek_turn(w, i, w->out_h);
        for (int32_t j = 0; j < w->out_w; ++j) {
            const ek_strip s = ek_strip_of(w, oy, ek_turn(w, j, w->out_w));
            const int8_t *src = x + s.in * w->in_c;
            int8_t *dst = y + s.out * w->out_c;
            const ek_walk walk = ek_walk_of(w, &s);
            const int32_t count = walk.rows * walk.columns;
            int32_t sums[4], c = 0;
            for (; c + 4 <= w->in_c; c += 4) {
                ek_pool_sums(&walk, 4, src + c, sums);
                for (int32_t n = 0; n < 4; ++n) {
                    dst[c + n] = ek_requantize(sums[n] - count * x_zero, &r, count - 1, rule);
                }
            }
            for (; c < w->in_c; ++c) {
                ek_pool_sums(&walk, 1, src + c, sums);
                dst[c] = ek_requantize(sums[0] - count * x_zero, &r, count - 1, rule);
            }
        }
    }
}
