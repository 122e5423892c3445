/* Real transform in place: 2 * half int16 in digit-reversed pairs become half + 1 bins (re, im),
 * over 2 * half. Stages of radix 2 and 4, decimation in time. Specified in
 * quantize/processing/spectrum.py, operation by operation. */
#include "ek_common.h"

typedef struct {
    int32_t half;
    const int16_t *twiddles; /* exp(-2 pi i k / half), k < half */
    const int16_t *split;    /* exp(-pi i (k / half + 1 / 2)), 0 < k <= half / 2 */
} ek_rfft_s16_table;

typedef struct {
    int32_t re, im;
} ek_complex_s16;

/* x / 2^15, rounded half up. */
EK_INLINE int32_t ek_q15(int32_t x)
{
    return (x + (1 << 14)) >> 15;
}

EK_INLINE ek_complex_s16 ek_times_s16(ek_complex_s16 a, const int16_t *b)
{
    ek_complex_s16 y;
    y.re = ek_q15(a.re * b[0] - a.im * b[1]);
    y.im = ek_q15(a.re * b[1] + a.im * b[0]);
    return y;
}

/* A point times `part` / 2^15: room for the sums of a stage. */
EK_INLINE ek_complex_s16 ek_load_s16(const int16_t *p, int32_t part)
{
    ek_complex_s16 y;
    y.re = ek_q15(p[0] * part);
    y.im = ek_q15(p[1] * part);
    return y;
}

EK_INLINE void ek_store_s16(int16_t *p, int32_t re, int32_t im)
{
    p[0] = (int16_t)re;
    p[1] = (int16_t)im;
}

EK_INLINE void ek_stage2_s16(const ek_rfft_s16_table *f, int16_t *points)
{
    for (int32_t i = 0; i < f->half; i += 2) {
        int16_t *p = points + 2 * i;
        const ek_complex_s16 a = ek_load_s16(p, 16383);
        const ek_complex_s16 b = ek_times_s16(ek_load_s16(p + 2, 16383), f->twiddles);
        ek_store_s16(p, a.re + b.re, a.im + b.im);
        ek_store_s16(p + 2, a.re - b.re, a.im - b.im);
    }
}

EK_INLINE void ek_turn4_s16(int16_t *p, int32_t size, const int16_t *twiddles, int32_t step)
{
    int16_t *const q = p + 2 * size, *const r = q + 2 * size, *const s = r + 2 * size;
    const ek_complex_s16 a = ek_load_s16(p, 8191);
    const ek_complex_s16 b = ek_times_s16(ek_load_s16(q, 8191), twiddles + 2 * step);
    const ek_complex_s16 c = ek_times_s16(ek_load_s16(r, 8191), twiddles + 4 * step);
    const ek_complex_s16 d = ek_times_s16(ek_load_s16(s, 8191), twiddles + 6 * step);
    const int32_t sum_re = a.re + c.re, sum_im = a.im + c.im;
    const int32_t gap_re = a.re - c.re, gap_im = a.im - c.im;
    const int32_t odd_re = b.re + d.re, odd_im = b.im + d.im;
    const int32_t rest_re = b.re - d.re, rest_im = b.im - d.im;
    ek_store_s16(p, sum_re + odd_re, sum_im + odd_im);
    ek_store_s16(q, gap_re + rest_im, gap_im - rest_re);
    ek_store_s16(r, sum_re - odd_re, sum_im - odd_im);
    ek_store_s16(s, gap_re - rest_im, gap_im + rest_re);
}

EK_INLINE void ek_split_s16(const ek_rfft_s16_table *f, int16_t *points)
{
    int16_t *const last = points + 2 * f->half;
    const ek_complex_s16 ends = ek_load_s16(points, 16383);
    ek_store_s16(points, ends.re + ends.im, 0);
    ek_store_s16(last, ends.re - ends.im, 0);
    for (int32_t k = 1; k <= f->half / 2; ++k) {
        int16_t *const p = points + 2 * k, *const q = last - 2 * k;
        const ek_complex_s16 low = ek_load_s16(p, 16383);
        const int32_t high_re = ek_q15(q[0] * 16383), high_im = ek_q15(-q[1] * 16383);
        const int32_t even_re = low.re + high_re, even_im = low.im + high_im;
        ek_complex_s16 odd;
        odd.re = low.re - high_re;
        odd.im = low.im - high_im;
        odd = ek_times_s16(odd, f->split + 2 * (k - 1));
        ek_store_s16(p, ((even_re + odd.re)) >> 1, ((even_im + odd.im)) >> 1);
        ek_store_s16(q, ((even_re - odd.re)) >> 1, ((odd.im - even_im)) >> 1);
    }
}

EK_KERNEL void ek_rfft_s16(const ek_rfft_s16_table *f, int16_t *points)
{
    int32_t size = 1, rest = f->half;
    while (rest % 4 == 0) {
        rest /= 4;
    }
    if (rest == 2) {
        ek_stage2_s16(f, points);
        size = 2;
    }
    for (; size < f->half; size *= 4) {
        const int32_t step = f->half / (4 * size);
        for (int32_t block = 0; block < f->half; block += 4 * size) {
            for (int32_t k = 0; k < size; ++k) {
                ek_turn4_s16(points + 2 * (block + k), size, f->twiddles, k * step);
            }
        }
    }
    ek_split_s16(f, points);
}
