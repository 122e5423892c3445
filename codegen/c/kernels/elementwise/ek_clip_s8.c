/* int8 clamp in the tensor's own scale. */
#include "ek_common.h"

EK_KERNEL void ek_clip_s8(int32_t size, int32_t low, int32_t high, const int8_t *x, int8_t *y)
{
    for (int32_t i = 0; i < size; ++i) {
        y[i] = (int8_t)ek_clamp_i32(x[i], low, high);
    }
}
