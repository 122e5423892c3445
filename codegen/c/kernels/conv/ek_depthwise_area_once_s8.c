/* Four channels of an area of an int8 depthwise convolution, see ek_depthwise_areas.h. */
#include "ek_depthwise_areas.h"

EK_KERNEL void ek_depthwise_area_once_s8(const ek_depthwise_area *p, const int32_t *filters,
                                         const int16_t *packed, void *y)
{
    ek_depthwise_area_s8(p, filters, packed, y, 2);
}
