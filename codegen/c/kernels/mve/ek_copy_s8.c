/* Bytes from one place to another; the two do not overlap. */
#include "ek_common.h"

EK_KERNEL void ek_copy_s8(const int8_t *x, int8_t *y, int32_t count)
{
    ek_copy_bytes(x, y, (size_t)count);
}
