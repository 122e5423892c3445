/* As ek_dense_pairs_s8, the weights as lists of those that are not zero. */
#include "ek_dense_rows.h"

EK_KERNEL void ek_dense_sparse_s8(const ek_dense_pairs *a, const int8_t *x, int8_t *y)
{
    ek_dense_pairs_rows(a, x, y, 1);
}
