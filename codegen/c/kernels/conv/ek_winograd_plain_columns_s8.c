/* One column of inputs as they are. */
#include "ek_winograd_transform.h"

EK_KERNEL void ek_winograd_plain_columns_s8(const ek_winograd_column *a)
{
    ek_winograd_transform(a, 0);
}
