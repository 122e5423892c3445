/* One window of int8 pixels, all inside: the maximum of each channel. */
#include "ek_common.h"

typedef struct {
    int32_t channels;
    int32_t rows, columns; /* of the window */
    int32_t row_bytes;     /* from one row's first pixel to the next one's */
    int32_t low, high;
} ek_largest;

EK_KERNEL void ek_largest_s8(const ek_largest *a, const int8_t *x, int8_t *y)
{
    for (int32_t c = 0; c < a->channels; ++c) {
        int32_t best = -128;
        for (int32_t row = 0; row < a->rows; ++row) {
            for (int32_t column = 0; column < a->columns; ++column) {
                const int32_t value = x[row * a->row_bytes + column * a->channels + c];
                best = value > best ? value : best;
            }
        }
        y[c] = (int8_t)ek_clamp_i32(best, a->low, a->high);
    }
}
