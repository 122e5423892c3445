/* As ek_conv_pairs_s8, the weights as lists of those that are not zero. */
#include "ek_conv_passes.h"

EK_KERNEL void ek_conv_sparse_s8(const ek_conv_pairs *a, const int8_t *x, int8_t *y)
{
    ek_conv_passes(a, x, y, 1);
}
