/* One or two output rows of an int8 depthwise 3x3 convolution, stride 1, one pixel of padding.
 *
 * x, y   the first output row's place in the input and in the output
 * edges  output rows, plus 4 where the row above them is missing, plus 8 where that below is
 */
#include "ek_depthwise3.h"

EK_KERNEL void ek_depthwise3_band_s8(const ek_depthwise3 *p, const int8_t *x, int8_t *y,
                                     int32_t edges)
{
    const int32_t outputs = edges & 3;
    for (int32_t c = 0; c < p->channels; ++c) {
        for (int32_t j = 0; j < p->width; ++j) {
            const int32_t at = j * p->channels + c;
            uint32_t sums[2] = {0, 0}; /* both before a row is written over the input */
            for (int32_t o = 0; o < outputs; ++o) {
                const int above = o == 0 && (edges & 4) != 0;
                const int below = o == outputs - 1 && (edges & 8) != 0;
                sums[o] = ek_depthwise3_sum(p, x + o * p->pitch + at, p->weights + 9 * c, above,
                                            below ? 2 : 3, j == 0, j == p->width - 1 ? 2 : 3);
            }
            for (int32_t o = 0; o < outputs; ++o) {
                y[o * p->pitch + at] = ek_depthwise3_output(p, sums[o], c);
            }
        }
    }
}
