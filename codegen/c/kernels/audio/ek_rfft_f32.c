/* Real transform in place: 2 * half floats in digit-reversed pairs become half + 1 bins (re, im).
 * Stages of radix 2 and 4, decimation in time. Specified in
 * quantize/processing/spectrum.py, operation by operation. */
#include "ek_common.h"

typedef struct {
    int32_t half;
    const float *twiddles; /* exp(-2 pi i k / half), k < half */
    const float *split;    /* exp(-pi i (k / half + 1 / 2)), 0 < k <= half / 2 */
} ek_rfft_f32_table;

typedef struct {
    float re, im;
} ek_complex_f32;

EK_INLINE ek_complex_f32 ek_times_f32(ek_complex_f32 a, const float *b)
{
    ek_complex_f32 y;
    y.re = (a.re * b[0] - a.im * b[1]);
    y.im = (a.re * b[1] + a.im * b[0]);
    return y;
}

EK_INLINE ek_complex_f32 ek_load_f32(const float *p)
{
    ek_complex_f32 y;
    y.re = p[0];
    y.im = p[1];
    return y;
}

EK_INLINE void ek_store_f32(float *p, float re, float im)
{
    p[0] = re;
    p[1] = im;
}

EK_INLINE void ek_stage2_f32(const ek_rfft_f32_table *f, float *points)
{
    for (int32_t i = 0; i < f->half; i += 2) {
        float *p = points + 2 * i;
        const ek_complex_f32 a = ek_load_f32(p);
        const ek_complex_f32 b = ek_times_f32(ek_load_f32(p + 2), f->twiddles);
        ek_store_f32(p, a.re + b.re, a.im + b.im);
        ek_store_f32(p + 2, a.re - b.re, a.im - b.im);
    }
}

EK_INLINE void ek_turn4_f32(float *p, int32_t size, const float *twiddles, int32_t step)
{
    float *const q = p + 2 * size, *const r = q + 2 * size, *const s = r + 2 * size;
    const ek_complex_f32 a = ek_load_f32(p);
    const ek_complex_f32 b = ek_times_f32(ek_load_f32(q), twiddles + 2 * step);
    const ek_complex_f32 c = ek_times_f32(ek_load_f32(r), twiddles + 4 * step);
    const ek_complex_f32 d = ek_times_f32(ek_load_f32(s), twiddles + 6 * step);
    const float sum_re = a.re + c.re, sum_im = a.im + c.im;
    const float gap_re = a.re - c.re, gap_im = a.im - c.im;
    const float odd_re = b.re + d.re, odd_im = b.im + d.im;
    const float rest_re = b.re - d.re, rest_im = b.im - d.im;
    ek_store_f32(p, sum_re + odd_re, sum_im + odd_im);
    ek_store_f32(q, gap_re + rest_im, gap_im - rest_re);
    ek_store_f32(r, sum_re - odd_re, sum_im - odd_im);
    ek_store_f32(s, gap_re - rest_im, gap_im + rest_re);
}

EK_INLINE void ek_split_f32(const ek_rfft_f32_table *f, float *points)
{
    float *const last = points + 2 * f->half;
    const ek_complex_f32 ends = ek_load_f32(points);
    ek_store_f32(points, ends.re + ends.im, 0);
    ek_store_f32(last, ends.re - ends.im, 0);
    for (int32_t k = 1; k <= f->half / 2; ++k) {
        float *const p = points + 2 * k, *const q = last - 2 * k;
        const ek_complex_f32 low = ek_load_f32(p);
        const float high_re = q[0], high_im = -q[1];
        const float even_re = low.re + high_re, even_im = low.im + high_im;
        ek_complex_f32 odd;
        odd.re = low.re - high_re;
        odd.im = low.im - high_im;
        odd = ek_times_f32(odd, f->split + 2 * (k - 1));
        ek_store_f32(p, 0.5f * ((even_re + odd.re)), 0.5f * ((even_im + odd.im)));
        ek_store_f32(q, 0.5f * ((even_re - odd.re)), 0.5f * ((odd.im - even_im)));
    }
}

EK_KERNEL void ek_rfft_f32(const ek_rfft_f32_table *f, float *points)
{
    int32_t size = 1, rest = f->half;
    while (rest % 4 == 0) {
        rest /= 4;
    }
    if (rest == 2) {
        ek_stage2_f32(f, points);
        size = 2;
    }
    for (; size < f->half; size *= 4) {
        const int32_t step = f->half / (4 * size);
        for (int32_t block = 0; block < f->half; block += 4 * size) {
            for (int32_t k = 0; k < size; ++k) {
                ek_turn4_f32(points + 2 * (block + k), size, f->twiddles, k * step);
            }
        }
    }
    ek_split_f32(f, points);
}
