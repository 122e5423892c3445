/* int8 maximum over a window, NHWC; padded positions never win.
 *
 * Sixteen channels share the walk over a window where their bytes can be compared together, then four:
 * those of a word, or four numbers. Where there are only numbers, windows of 2x2 are written out. Channels are
 * written in order, each after its last tap was read.
 */
#include "ek_walk.h"

#if defined(__GNUC__) && defined(__ARM_FEATURE_DSP) && defined(__thumb2__)
#define EK_SIXTEEN 1
#define EK_FOUR 1
typedef uint32_t ek_four;
typedef struct {
    uint32_t a, b, c, d;
} ek_sixteen;

EK_INLINE uint32_t ek_word(const int8_t *p)
{
    uint32_t word;
    __builtin_memcpy(&word, p, 4);
    return word;
}

/* The larger of each pair of bytes: SSUB8 leaves a flag for each, SEL chooses by them. */
EK_INLINE uint32_t ek_larger(uint32_t a, uint32_t b)
{
    uint32_t difference;
    __asm__("ssub8 %0, %1, %2\n\tsel %1, %1, %2"
            : "=&r"(difference), "+r"(a)
            : "r"(b)
            : "cc");
    return a;
}

EK_INLINE ek_four ek_four_of(int32_t x)
{
    return (uint32_t)(x & 255) * UINT32_C(0x01010101);
}

EK_INLINE ek_four ek_larger_four(ek_four s, const int8_t *x)
{
    return ek_larger(s, ek_word(x));
}

/* The smaller of each pair is the larger of all ones' complements. */
EK_INLINE void ek_store_smaller_four(ek_four s, int32_t high, int8_t *y)
{
    const uint32_t low = ~ek_larger(~s, ~ek_four_of(high));
    __builtin_memcpy(y, &low, 4);
}

EK_INLINE ek_sixteen ek_sixteen_of(int32_t x)
{
    const uint32_t word = ek_four_of(x);
    const ek_sixteen s = {word, word, word, word};
    return s;
}

EK_INLINE ek_sixteen ek_larger_sixteen(ek_sixteen s, const int8_t *x)
{
    const ek_sixteen y = {ek_larger(s.a, ek_word(x)), ek_larger(s.b, ek_word(x + 4)),
                          ek_larger(s.c, ek_word(x + 8)), ek_larger(s.d, ek_word(x + 12))};
    return y;
}

EK_INLINE void ek_store_smaller(ek_sixteen s, int32_t high, int8_t *y)
{
    const uint32_t top = ~ek_four_of(high);
    const ek_sixteen low = {~ek_larger(~s.a, top), ~ek_larger(~s.b, top), ~ek_larger(~s.c, top),
                            ~ek_larger(~s.d, top)};
    __builtin_memcpy(y, &low.a, 4);
    __builtin_memcpy(y + 4, &low.b, 4);
    __builtin_memcpy(y + 8, &low.c, 4);
    __builtin_memcpy(y + 12, &low.d, 4);
}
#elif defined(__SSE2__) || defined(__ARM_NEON)
#define EK_FOUR 0
#define EK_SIXTEEN 1
typedef struct { /* compilers make a vector of it */
    int8_t bytes[16];
} ek_sixteen;

EK_INLINE ek_sixteen ek_sixteen_of(int32_t x)
{
    ek_sixteen s;
    for (int i = 0; i < 16; ++i) {
        s.bytes[i] = (int8_t)x;
    }
    return s;
}

EK_INLINE ek_sixteen ek_larger_sixteen(ek_sixteen s, const int8_t *x)
{
    for (int i = 0; i < 16; ++i) {
        s.bytes[i] = x[i] > s.bytes[i] ? x[i] : s.bytes[i];
    }
    return s;
}

EK_INLINE void ek_store_smaller(ek_sixteen s, int32_t high, int8_t *y)
{
    for (int i = 0; i < 16; ++i) {
        y[i] = (int8_t)(s.bytes[i] < high ? s.bytes[i] : high);
    }
}
#else
#define EK_SIXTEEN 0
#define EK_FOUR 1
typedef struct {
    int32_t a, b, c, d;
} ek_four;

EK_INLINE ek_four ek_four_of(int32_t x)
{
    const ek_four s = {x, x, x, x};
    return s;
}

EK_INLINE ek_four ek_larger_four(ek_four s, const int8_t *x)
{
    s.a = x[0] > s.a ? x[0] : s.a;
    s.b = x[1] > s.b ? x[1] : s.b;
    s.c = x[2] > s.c ? x[2] : s.c;
    s.d = x[3] > s.d ? x[3] : s.d;
    return s;
}

EK_INLINE void ek_store_smaller_four(ek_four s, int32_t high, int8_t *y)
{
    y[0] = (int8_t)(s.a < high ? s.a : high);
    y[1] = (int8_t)(s.b < high ? s.b : high);
    y[2] = (int8_t)(s.c < high ? s.c : high);
    y[3] = (int8_t)(s.d < high ? s.d : high);
}
#endif

#if EK_SIXTEEN
EK_INLINE void ek_max_pool_s8_sixteen(const ek_walk *w, int32_t low, int32_t high, const int8_t *x,
                                      int8_t *y)
{
    ek_sixteen best = ek_sixteen_of(low);
    for (int32_t row = w->rows; row > 0; --row) {
        const int8_t *p = x;
        for (int32_t n = w->columns; n > 0; --n) {
            best = ek_larger_sixteen(best, p);
            p += w->step;
        }
        x += w->row_step;
    }
    ek_store_smaller(best, high, y);
}
#endif

#if EK_FOUR
EK_INLINE void ek_max_pool_s8_four(const ek_walk *w, int32_t low, int32_t high, const int8_t *x,
                                   int8_t *y)
{
    ek_four best = ek_four_of(low);
    for (int32_t row = w->rows; row > 0; --row) {
        const int8_t *p = x;
        for (int32_t n = w->columns; n > 0; --n) {
            best = ek_larger_four(best, p);
            p += w->step;
        }
        x += w->row_step;
    }
    ek_store_smaller_four(best, high, y);
}
#endif

EK_INLINE int32_t ek_max_pool_s8_one(const ek_walk *w, int32_t low, const int8_t *x)
{
    int32_t best = low;
    for (int32_t row = w->rows; row > 0; --row) {
        const int8_t *p = x;
        for (int32_t n = w->columns; n > 0; --n) {
            best = *p > best ? *p : best;
            p += w->step;
        }
        x += w->row_step;
    }
    return best;
}

#if !EK_SIXTEEN
EK_INLINE int32_t ek_larger_of(int32_t a, int32_t b)
{
    return a > b ? a : b;
}

/* All channels of a window of 2x2. */
EK_INLINE void ek_max_pool_s8_2x2(const ek_walk *w, int32_t channels, int32_t low, int32_t high,
                                  const int8_t *x, int8_t *y)
{
    const int8_t *below = x + w->row_step;
    const int8_t *const end = x + channels;
    const int32_t right = w->step;
    for (; x != end; ++x, ++below) {
        int32_t best = ek_larger_of(low, *x);
        best = ek_larger_of(best, x[right]);
        best = ek_larger_of(best, *below);
        best = ek_larger_of(best, below[right]);
        *y++ = (int8_t)(best < high ? best : high);
    }
}
#endif

EK_KERNEL void ek_max_pool_s8(const ek_window *w, int32_t low, int32_t high, const int8_t *x,
                              int8_t *y)
{
    for (int32_t i = 0; i < w->out_h; ++i) {
        const int32_t oy = ek_turn(w, i, w->out_h);
        for (int32_t j = 0; j < w->out_w; ++j) {
            const ek_strip s = ek_strip_of(w, oy, ek_turn(w, j, w->out_w));
            const ek_walk walk = ek_walk_of(w, &s);
            const int8_t *src = x + s.in * w->in_c;
            int8_t *dst = y + s.out * w->out_c;
            int32_t c = 0;
#if !EK_SIXTEEN
            if (walk.rows == 2 && walk.columns == 2) {
                ek_max_pool_s8_2x2(&walk, w->in_c, low, high, src, dst);
                continue;
            }
#else
            for (; c + 16 <= w->in_c; c += 16) {
                ek_max_pool_s8_sixteen(&walk, low, high, src + c, dst + c);
            }
#endif
#if EK_FOUR
            for (; c + 4 <= w->in_c; c += 4) {
                ek_max_pool_s8_four(&walk, low, high, src + c, dst + c);
            }
#endif
            for (; c < w->in_c; ++c) {
                const int32_t best = ek_max_pool_s8_one(&walk, low, src + c);
                dst[c] = (int8_t)(best < high ? best : high);
            }
        }
    }
}
