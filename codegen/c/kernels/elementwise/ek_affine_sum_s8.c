/* int8 addition as one affine function of both operands (quantize/affine_sum.py). */
#include "ek_common.h"

/* Assembly reads these words in this order. */
typedef struct {
    int32_t first, second; /* factors */
    int32_t offset;        /* zero points and rounding */
    int32_t shift;
    int32_t count;
    int32_t low, high;     /* clamp of the output */
} ek_affine_terms;

EK_KERNEL void ek_affine_sum_s8(const ek_affine_terms *f, const int8_t *a, const int8_t *b, int8_t *y)
{
    for (int32_t i = 0; i < f->count; ++i) {
        const int32_t sum = f->first * a[i] + f->second * b[i] + f->offset;
        y[i] = (int8_t)ek_clamp_i32(sum >> f->shift, f->low, f->high);
    }
}
