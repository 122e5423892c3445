/* int8 sum in one step, see quantize/affine_sum.py. y may be x0 or x1. */
#include "ek_common.h"

typedef struct {
    int32_t count;
    int32_t first, second; /* factors */
    int32_t offset;        /* zero points and rounding */
    int32_t shift;         /* to the right */
    int32_t low, high;
} ek_affine_sum;

EK_KERNEL void ek_affine_add_s8(const ek_affine_sum *a, const int8_t *x0, const int8_t *x1,
                                int8_t *y)
{
    for (int32_t i = 0; i < a->count; ++i) {
        const int32_t sum = x0[i] * a->first + x1[i] * a->second + a->offset;
        y[i] = (int8_t)ek_clamp_i32(sum >> a->shift, a->low, a->high);
    }
}
