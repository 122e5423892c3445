/* Padding of packed rows of a depthwise convolution, see ek_depthwise_areas.h. */
#include "ek_depthwise_areas.h"

EK_KERNEL void ek_depthwise_fill_s8(int16_t *packed, int32_t rows, int32_t pad)
{
    for (int32_t i = 0; i < rows * EK_AREA_ROW; ++i) {
        packed[i] = (int8_t)(pad & 0xff);
    }
}
