/* One column of inputs plus 128, of which halfwords can be shifted and added as words. */
#include "ek_winograd_transform.h"

EK_KERNEL void ek_winograd_columns_s8(const ek_winograd_column *a)
{
    ek_winograd_transform(a, 128);
}
