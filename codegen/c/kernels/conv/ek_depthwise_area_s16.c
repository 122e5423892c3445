/* Four channels of an area of an int16 depthwise convolution, see ek_depthwise_areas.h. */
#include "ek_depthwise_areas.h"
#include "ek_narrow.h"

EK_KERNEL void ek_depthwise_area_s16(const ek_depthwise_area *p, const int32_t *filters,
                                     const int16_t *packed, void *y)
{
    const ek_depthwise_layer *a = p->layer;
    int16_t *out = y;
    for (int32_t c = 0; c < 4; ++c) {
        const int32_t *filter = filters + c * a->words;
        for (int32_t i = 0; i < p->rows; ++i) {
            const int16_t *row = packed + i * (p->step >> 1) + c * EK_AREA_COLUMNS;
            for (int32_t j = 0; j < p->columns; ++j) {
                const int32_t sum =
                    filter[0] + ek_depthwise_area_sum(a, filter + 2, row + j * a->stride, 1);
                out[(i * p->row + j * p->column) / 2 + c] = ek_narrow_s16(sum, filter[1], a->low);
            }
        }
    }
}
