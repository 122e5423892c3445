/* Neighbouring pixels of a depthwise 3x3 convolution as readable C, outputs rounded twice. */
#include "ek_depthwise_row.h"

EK_KERNEL void ek_depthwise_row_signed_s8(const ek_depthwise_row *r, const int8_t *x, int8_t *y,
                                 uint32_t inside)
{
    ek_depthwise_row_any(r, x, y, inside, 1);
}
