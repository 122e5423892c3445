/* int8 convolution in passes over tiles of four pixels, two filters in one register: the readable
 * equal of the Armv7E-M function, of the same weights and passes. */
#include "ek_conv_passes.h"

EK_KERNEL void ek_conv_pairs_s8(const ek_conv_pairs *a, const int8_t *x, int8_t *y)
{
    ek_conv_passes(a, x, y, 0);
}
