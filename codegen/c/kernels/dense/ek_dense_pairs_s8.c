/* int8 dense layer, four filters at a time, two in one register: the readable equal of the Armv7E-M
 * functions, of the same weights. */
#include "ek_dense_rows.h"

EK_KERNEL void ek_dense_pairs_s8(const ek_dense_pairs *a, const int8_t *x, int8_t *y)
{
    ek_dense_pairs_rows(a, x, y, 0);
}
