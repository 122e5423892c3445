/* One frame of samples times its window, padded with zeros to `length`, pairs placed where the
 * transform wants them. Specified in quantize/processing/real.py. */
#include "ek_common.h"

EK_KERNEL void ek_window_f32(int32_t size, int32_t length, const float *window,
                             const int16_t *order, const int16_t *samples, float *points)
{
    for (int32_t i = 0; i < length; ++i) {
        points[2 * order[i >> 1] + (i & 1)] = i < size ? (float)samples[i] * window[i] : 0.0f;
    }
}
