/* What every kernel shares: attributes, small helpers, the window geometry.
 *
 * Arithmetic right shift of negative numbers is assumed (implementation-defined in C99, the same
 * in every compiler for the supported cores). No function here allocates or keeps state.
 */
#ifndef EK_COMMON_H
#define EK_COMMON_H

#include <stddef.h>
#include <stdint.h>

#if defined(__GNUC__)
#define EK_INLINE static inline __attribute__((always_inline))
#define EK_KERNEL static __attribute__((noinline, unused))
#else
#define EK_INLINE static inline
#define EK_KERNEL static
#endif

#if defined(__GNUC__)
#define EK_INFINITY __builtin_inff()
#define EK_NAN __builtin_nanf("")
#else
#define EK_INFINITY (1.0f / 0.0f)
#define EK_NAN (0.0f / 0.0f)
#endif

/* Whether to write inner loops out. With vectors the compiler does better from the plain loop, and
 * Armv6-M has too few registers. */
#if defined(__ARM_FEATURE_MVE) || defined(__ARM_ARCH_6M__)
#define EK_UNROLL 0
#else
#define EK_UNROLL 1
#endif

/* A window sliding over an NHWC tensor with batch 1, from the first output pixel to the last or
 * backward: the planner may then put the output over the part of the input already used. */
typedef struct {
    int32_t in_h, in_w, in_c;
    int32_t out_h, out_w, out_c;
    int32_t kernel_h, kernel_w;
    int32_t stride_h, stride_w;
    int32_t pad_top, pad_left;
    int32_t dilation_h, dilation_w;
    int32_t groups;
    int32_t backward;
} ek_window;

/* The row (column) whose turn it is. */
EK_INLINE int32_t ek_turn(const ek_window *w, int32_t turn, int32_t count)
{
    return w->backward ? count - 1 - turn : turn;
}

EK_INLINE int32_t ek_clamp_i32(int32_t x, int32_t low, int32_t high)
{
    if (x < low) {
        return low;
    }
    return x > high ? high : x;
}

/* NaN stays. */
EK_INLINE float ek_clamp_f32(float x, float low, float high)
{
    if (x < low) {
        return low;
    }
    return x > high ? high : x;
}

/* The same pointer, as one that the compiler knows nothing of. Loops that read and write elements of
 * different sizes in one arena write through it: gcc 12 otherwise computes the written address as a
 * number, takes the function for one without effects and drops its call. */
EK_INLINE void *ek_own(void *p)
{
#if defined(__GNUC__)
    __asm__("" : "+r"(p));
#endif
    return p;
}

/* The same number, as one that the compiler does not know: it stays in a register. */
EK_INLINE int32_t ek_in_register(int32_t x)
{
#if defined(__GNUC__)
    __asm__("" : "+r"(x));
#endif
    return x;
}

/* The areas do not overlap, which lets compilers copy by vectors; where there are none, but words may
 * lie anywhere, four words at a time. */
EK_INLINE void ek_copy_bytes(const void *restrict from, void *restrict to, size_t count)
{
    const unsigned char *restrict src = (const unsigned char *)from;
    unsigned char *restrict dst = (unsigned char *)to;
    size_t i = 0;
#if defined(__GNUC__) && defined(__ARM_FEATURE_UNALIGNED) && !defined(__ARM_FEATURE_MVE)
    for (; i + 16 <= count; i += 16) {
        uint32_t words[4];
        __builtin_memcpy(&words[0], src + i, 4);
        __builtin_memcpy(&words[1], src + i + 4, 4);
        __builtin_memcpy(&words[2], src + i + 8, 4);
        __builtin_memcpy(&words[3], src + i + 12, 4);
        __builtin_memcpy(dst + i, &words[0], 4);
        __builtin_memcpy(dst + i + 4, &words[1], 4);
        __builtin_memcpy(dst + i + 8, &words[2], 4);
        __builtin_memcpy(dst + i + 12, &words[3], 4);
    }
#endif
    for (; i < count; ++i) {
        dst[i] = src[i];
    }
}

#endif
