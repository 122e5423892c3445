/* Four channels of what an area of an int16 depthwise convolution reads. */
#include "ek_depthwise_areas.h"

EK_KERNEL void ek_depthwise_pack_s16(const ek_depthwise_input *from, const void *x, int16_t *packed)
{
    const int16_t *elements = x;
    for (int32_t i = 0; i < from->rows; ++i) {
        for (int32_t j = 0; j < from->columns; ++j) {
            for (int32_t c = 0; c < 4; ++c) {
                packed[i * EK_AREA_ROW + c * EK_AREA_COLUMNS + from->left + j] =
                    elements[(i * from->row + j * from->column) / 2 + c];
            }
        }
    }
}
