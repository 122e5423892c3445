/* Indices of the largest float32 elements, best first, equal ones in order; at most `top`, none
 * below `least` (nor NaN). Returns how many. */
#include "ek_common.h"

EK_KERNEL int32_t ek_rank_f32(int32_t size, int32_t top, float least, const float *x,
                              int32_t *classes)
{
    int32_t count = 0;
    for (int32_t i = 0; i < size; ++i) {
        int32_t at = count;
        while (at > 0 && x[i] > x[classes[at - 1]]) {
            --at;
        }
        if (at == top || !(x[i] >= least)) {
            continue;
        }
        count += count < top ? 1 : 0;
        for (int32_t k = count - 1; k > at; --k) {
            classes[k] = classes[k - 1];
        }
        classes[at] = i;
    }
    return count;
}
