/* int8 addition of operands with their own scales: (first * a + second * b + start) >> 16 with 128
 * more, so that saturation is unsigned. Factors are 2^24 times a scale; each product drops its low
 * bits by itself. The generator has checked all pairs of operands. */
#include "ek_common.h"

typedef struct {
    int32_t count;
    int32_t first, second;
    int32_t start;
} ek_add_affine;

EK_KERNEL void ek_add_affine_s8(const ek_add_affine *args, const int8_t *a, const int8_t *b,
                                int8_t *y)
{
    const ek_add_affine g = *args; /* a copy: stores to y cannot change it */
    for (int32_t i = 0; i < g.count; ++i) {
        const int32_t first = (int32_t)(((int64_t)g.first * a[i]) >> 8);
        const int32_t second = (int32_t)(((int64_t)g.second * b[i]) >> 8);
        y[i] = (int8_t)(ek_clamp_i32((g.start + first + second) >> 16, 0, 255) - 128);
    }
}
