/* int8 to float32. */
#include "ek_common.h"

EK_KERNEL void ek_dequantize_s8(int32_t size, float scale, int32_t zero_point, const int8_t *x,
                                float *y)
{
    for (int32_t i = 0; i < size; ++i) {
        y[i] = scale * (float)(x[i] - zero_point);
    }
}
