/* One frame of samples times its window (12 fractional bits), shifted left so that the largest
 * uses all 15 bits, padded with zeros to `length`, pairs placed where the transform wants them.
 * Returns the shift. Specified in quantize/processing/fixed.py. */
#include "ek_common.h"

#define EK_WINDOW_BITS 12

EK_KERNEL int32_t ek_window_s16(int32_t size, int32_t length, const int16_t *window,
                                const int16_t *order, const int16_t *samples, int16_t *points)
{
    int32_t top = 0, shift = 15;
    for (int32_t i = 0; i < size; ++i) {
        const int32_t x = (samples[i] * window[i]) >> EK_WINDOW_BITS;
        const int32_t magnitude = x < 0 ? -x : x;
        top = magnitude > top ? magnitude : top;
    }
    for (top = top > 32767 ? 32767 : top; top != 0; top >>= 1) {
        --shift;
    }
    for (int32_t i = 0; i < length; ++i) {
        const int32_t x = i < size ? (samples[i] * window[i]) >> EK_WINDOW_BITS : 0;
        points[2 * order[i >> 1] + (i & 1)] = (int16_t)(x * (1 << shift));
    }
    return shift;
}
