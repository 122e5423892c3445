/* A row of a depthwise layer of int16, channel by channel, see ek_depthwise_line.h. */
#include "ek_depthwise_line.h"

EK_KERNEL void ek_depthwise_line_s16(const ek_depthwise_line *a, const int16_t *x, int16_t *y,
                                     int32_t edge)
{
    const int32_t pitch = a->column / 2, row = a->row / 2, up = edge == 1 ? 1 : edge == 2 ? -1 : 0;
    for (const int32_t *f = a->filters; f != a->end; f += EK_LINE_WORDS, ++x, ++y) {
        for (int32_t j = 0; j < a->columns + a->right; ++j) {
            int32_t sum = f[4];
            for (int32_t ky = up > 0 ? 1 : 0; ky < (up < 0 ? 2 : 3); ++ky) {
                const int32_t first = j == 0 ? a->left : 0, last = j == a->columns ? 2 : 3;
                for (int32_t kx = first; kx < last; ++kx) {
                    sum += ek_line_weight(f, ky, kx) *
                           x[(ky - up) * row + (j * a->stride + kx - a->left) * pitch];
                }
            }
            y[j * pitch] = ek_narrow_s16(sum, f[3], a->low);
        }
    }
}
