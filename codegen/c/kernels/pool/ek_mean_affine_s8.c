/* Mean over all pixels of an int8 image, NHWC: one affine function of each channel's sum. */
#include "ek_common.h"

typedef struct {
    int32_t pixels;
    int32_t channels;
    int32_t multiplier; /* of 2^16 times a sum; the high half counts */
    int32_t start;      /* rounding and zero points */
} ek_mean_affine;

#define EK_MEAN_SHIFT 12 /* after the high multiplication */

EK_KERNEL void ek_mean_affine_s8(const ek_mean_affine *args, const int8_t *x, int8_t *y)
{
    const ek_mean_affine a = *args; /* a copy: stores to y cannot change it */
    for (int32_t c = 0; c < a.channels; ++c) {
        int32_t sum = 0;
        for (int32_t i = 0; i < a.pixels; ++i) {
            sum += x[i * a.channels + c];
        }
        const int64_t product = (int64_t)sum * 65536 * a.multiplier;
        const int32_t mean = ((int32_t)(product >> 32) + a.start) >> EK_MEAN_SHIFT;
        y[c] = (int8_t)ek_clamp_i32(mean, -128, 127);
    }
}
