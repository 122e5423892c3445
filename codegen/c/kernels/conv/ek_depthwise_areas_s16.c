/* int16 depthwise convolution area by area, see ek_depthwise_areas_s8.c. */
#include "ek_depthwise_areas.h"

EK_KERNEL void ek_depthwise_areas_s16(ek_depthwise_fill *fill, ek_depthwise_pack *pack,
                                      ek_depthwise_multiply *multiply, const ek_window *w,
                                      const ek_depthwise_layer *a, const int16_t *x,
                                      int8_t *scratch, int16_t *y)
{
    ek_depthwise_areas(fill, pack, multiply, w, a, x, scratch, y, 2);
}
