/* One output row of an int8 depthwise 3x3 convolution, stride 2.
 *
 * x      first byte of the input row under the windows' middle row
 * y      the output row
 * edges  1: the windows' first row is missing, 2: their last; 4: the first window's first column
 *        is missing, 8: the last window's last
 */
#include "ek_depthwise3.h"

EK_KERNEL void ek_depthwise3_strided_s8(const ek_depthwise3 *p, const int8_t *x, int8_t *y,
                                        int32_t edges)
{
    const int32_t first = edges & 1;
    const int32_t end = (edges & 2) != 0 ? 2 : 3;
    const int32_t left = (edges & 4) != 0;
    for (int32_t c = 0; c < p->channels; ++c) {
        for (int32_t j = 0; j < p->width; ++j) {
            const int32_t to = (edges & 8) != 0 && j == p->width - 1 ? 2 : 3;
            const int8_t *middle = x + (2 * j + 1 - left) * p->channels + c;
            const uint32_t sum = ek_depthwise3_sum(p, middle, p->weights + 9 * c, first, end,
                                                   left != 0 && j == 0, to);
            y[j * p->channels + c] = ek_depthwise3_output(p, sum, c);
        }
    }
}
