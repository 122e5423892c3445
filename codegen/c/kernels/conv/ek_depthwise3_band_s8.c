/* One or two output rows of an int8 depthwise 3x3 convolution, stride 1, one pixel of padding.
 *
 * x, y   the first output row's place in the input and in the output
 * edges  output rows, plus 4 where the row above them is missing, plus 8 where that below is
 */
#include "ek_scaled.h"

typedef struct {
    const int8_t *weights; /* channels x 9 */
    const int32_t *table;  /* per channel: multiplier, offset, shift */
    int32_t channels;
    int32_t zero; /* of the input */
    int32_t top;  /* as ek_scaled takes it */
    int32_t low, width;
} ek_depthwise3;

/* Sum of one window of one channel; missing inputs are the zero point. */
EK_INLINE int32_t ek_depthwise3_sum(const ek_depthwise3 *p, const int8_t *x, const int8_t *w,
                                    int32_t column, int above, int below)
{
    int32_t sum = 0;
    for (int32_t ky = 0; ky < 3; ++ky) {
        const int inside = ky == 1 || (ky == 0 ? !above : !below);
        for (int32_t kx = 0; kx < 3; ++kx) {
            const int32_t ix = column + kx - 1;
            const int known = inside && ix >= 0 && ix < p->width;
            const int32_t at = ((ky - 1) * p->width + ix) * p->channels;
            sum += (known ? x[at] : p->zero) * w[3 * ky + kx];
        }
    }
    return sum;
}

EK_KERNEL void ek_depthwise3_band_s8(const ek_depthwise3 *p, const int8_t *x, int8_t *y,
                                     int32_t edges)
{
    const int32_t outputs = edges & 3;
    for (int32_t c = 0; c < p->channels; ++c) {
        for (int32_t j = 0; j < p->width; ++j) {
            int32_t sums[2] = {0, 0};
            for (int32_t o = 0; o < outputs; ++o) {
                const int above = o == 0 && (edges & 4) != 0;
                const int below = o == outputs - 1 && (edges & 8) != 0;
                const int8_t *row = x + o * p->width * p->channels + c;
                sums[o] = ek_depthwise3_sum(p, row, p->weights + 9 * c, j, above, below);
            }
            for (int32_t o = 0; o < outputs; ++o) {
                y[(o * p->width + j) * p->channels + c] = ek_scaled_sum(
                    (int32_t)((uint32_t)sums[o] << 13), p->table + 3 * c, p->low, p->top);
            }
        }
    }
}
