/* Sums of products of int8 vectors on machines with vectors of their own, sixteen elements at once.
 * Where there are none EK_DOT_S8 is 0 and plain loops do all. */
#ifndef EK_DOT_S8_H
#define EK_DOT_S8_H

#include "ek_common.h"

#if defined(__AVX2__)
#include <immintrin.h>
#define EK_DOT_S8 1
typedef __m256i ek_wide; /* 16 halfwords, or 8 sums */

EK_INLINE ek_wide ek_no_sums(void)
{
    return _mm256_setzero_si256();
}

EK_INLINE ek_wide ek_widen_s8(const int8_t *p)
{
    return _mm256_cvtepi8_epi16(_mm_loadu_si128((const __m128i *)(const void *)p));
}

EK_INLINE ek_wide ek_add_products(ek_wide sum, ek_wide a, ek_wide b)
{
    return _mm256_add_epi32(sum, _mm256_madd_epi16(a, b));
}

EK_INLINE __m128i ek_fold(ek_wide sum)
{
    return _mm_add_epi32(_mm256_castsi256_si128(sum), _mm256_extracti128_si256(sum, 1));
}
#elif defined(__SSE2__)
#include <emmintrin.h>
#define EK_DOT_S8 1
typedef struct {
    __m128i low, high; /* 8 halfwords each; 4 sums are in low */
} ek_wide;

EK_INLINE ek_wide ek_no_sums(void)
{
    const ek_wide none = {_mm_setzero_si128(), _mm_setzero_si128()};
    return none;
}

EK_INLINE ek_wide ek_widen_s8(const int8_t *p)
{
    const __m128i x = _mm_loadu_si128((const __m128i *)(const void *)p);
    ek_wide y;
    y.low = _mm_srai_epi16(_mm_unpacklo_epi8(x, x), 8);
    y.high = _mm_srai_epi16(_mm_unpackhi_epi8(x, x), 8);
    return y;
}

EK_INLINE ek_wide ek_add_products(ek_wide sum, ek_wide a, ek_wide b)
{
    const __m128i low = _mm_madd_epi16(a.low, b.low);
    const __m128i high = _mm_madd_epi16(a.high, b.high);
    sum.low = _mm_add_epi32(sum.low, _mm_add_epi32(low, high));
    return sum;
}

EK_INLINE __m128i ek_fold(ek_wide sum)
{
    return sum.low;
}
#else
#define EK_DOT_S8 0
#endif

#if EK_DOT_S8
/* Two vectors against two others, in whole sixteens; returns how many elements those are. */
EK_INLINE int32_t ek_dots_s8(const int8_t *a0, const int8_t *a1, const int8_t *b0, const int8_t *b1,
                             int32_t count, int32_t sums[4])
{
    ek_wide s00 = ek_no_sums();
    ek_wide s01 = ek_no_sums();
    ek_wide s10 = ek_no_sums();
    ek_wide s11 = ek_no_sums();
    int32_t done = 0;
    for (; done + 16 <= count; done += 16) {
        const ek_wide x0 = ek_widen_s8(a0 + done);
        const ek_wide x1 = ek_widen_s8(a1 + done);
        const ek_wide w0 = ek_widen_s8(b0 + done);
        const ek_wide w1 = ek_widen_s8(b1 + done);
        s00 = ek_add_products(s00, x0, w0);
        s01 = ek_add_products(s01, x0, w1);
        s10 = ek_add_products(s10, x1, w0);
        s11 = ek_add_products(s11, x1, w1);
    }
    const __m128i f00 = ek_fold(s00);
    const __m128i f01 = ek_fold(s01);
    const __m128i f10 = ek_fold(s10);
    const __m128i f11 = ek_fold(s11);
    const __m128i p = _mm_add_epi32(_mm_unpacklo_epi32(f00, f01), _mm_unpackhi_epi32(f00, f01));
    const __m128i q = _mm_add_epi32(_mm_unpacklo_epi32(f10, f11), _mm_unpackhi_epi32(f10, f11));
    const __m128i all = _mm_add_epi32(_mm_unpacklo_epi64(p, q), _mm_unpackhi_epi64(p, q));
    const __m128i before = _mm_loadu_si128((const __m128i *)(const void *)sums);
    _mm_storeu_si128((__m128i *)(void *)sums, _mm_add_epi32(before, all));
    return done;
}
#endif

#endif
