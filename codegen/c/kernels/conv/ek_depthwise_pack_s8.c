/* Four channels of what an area of a depthwise convolution reads become halfwords. */
#include "ek_depthwise_areas.h"

EK_KERNEL void ek_depthwise_pack_s8(const ek_depthwise_input *from, const void *x,
                                    int16_t *packed)
{
    const int8_t *bytes = x;
    for (int32_t i = 0; i < from->rows; ++i) {
        for (int32_t j = 0; j < from->columns; ++j) {
            for (int32_t c = 0; c < 4; ++c) {
                packed[i * EK_AREA_ROW + c * EK_AREA_COLUMNS + from->left + j] =
                    bytes[i * from->row + j * from->column + c];
            }
        }
    }
}
