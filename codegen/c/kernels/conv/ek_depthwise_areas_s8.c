/* int8 depthwise convolution, NHWC, area by area: packs what an area reads, four channels at a
 * time, and calls `multiply` for them. Of the last four channels some may be those before.
 *
 * scratch  EK_AREA_ROW halfwords for each input row of an area. Padding is written when it lies
 *          elsewhere than in the area before: packing leaves it alone.
 */
#include "ek_depthwise_areas.h"

EK_KERNEL void ek_depthwise_areas_s8(ek_depthwise_fill *fill, ek_depthwise_pack *pack,
                                     ek_depthwise_multiply *multiply, const ek_window *w,
                                     const ek_depthwise_layer *a, const int8_t *x, int8_t *scratch,
                                     int8_t *y)
{
    ek_depthwise_areas(fill, pack, multiply, w, a, x, scratch, y, 1);
}
