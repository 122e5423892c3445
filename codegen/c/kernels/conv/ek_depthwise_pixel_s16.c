/* A pixel of a depthwise layer of int16, see ek_depthwise_pixel.h. */
#include "ek_depthwise_pixel.h"

EK_KERNEL void ek_depthwise_pixel_s16(const ek_depthwise_pixels *a, const int16_t *x, int16_t *y,
                                      const ek_depthwise_taps *t)
{
    const int32_t *filter = a->filters;
    for (int32_t left = a->channels; left > 0; left -= 4) {
        const int32_t c = left < 4 ? a->channels - 4 : a->channels - left;
        int32_t sums[4] = {filter[0], filter[1], filter[2], filter[3]};
        filter += 4 + t->first / 4;
        for (int32_t i = 0; i < t->rows; ++i, filter += t->skipped / 4) {
            const int16_t *from = x + c + i * (t->columns * t->column + t->row) / 2;
            for (int32_t j = 0; j < t->columns; ++j, ++filter, from += t->column / 2) {
                for (int32_t n = 0; n < 4; ++n) {
                    sums[n] += from[n] * (int8_t)((uint32_t)*filter >> (8 * n) & 0xffu);
                }
            }
        }
        filter += t->rest / 4;
        for (int32_t n = 0; n < 4; ++n) {
            y[c + n] = ek_narrow_s16(sums[n], filter[n], a->low);
        }
        filter += 4;
    }
}
