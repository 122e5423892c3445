/* Neighbouring pixels of a depthwise convolution as readable C, outputs rounded twice. */
#include "ek_depthwise_patch.h"

EK_KERNEL void ek_depthwise_patch_signed_s8(const ek_depthwise_patch *p, const int8_t *x,
                                            int8_t *y)
{
    ek_depthwise_patch_any(p, x, y, 1);
}
