/* int8 depthwise convolution, a piece of an output row (ek_depthwise_piece.h): as readable C. */
#include "ek_depthwise_piece.h"

EK_KERNEL void ek_depthwise_piece_s8(const ek_depthwise_piece *p, const int8_t *const *pixels,
                                     int8_t *y)
{
    for (int32_t c = 0; c < p->channels; ++c) {
        for (int32_t o = 0; o < p->outputs; ++o) {
            const uint32_t field = ek_depthwise_piece_field(p, pixels, c, o);
            y[o * p->channels + c] = ek_scaled(field, p->table + 3 * c, p->low, p->top);
        }
    }
}
