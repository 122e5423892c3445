/* One window of int8 pixels, all inside: the mean of each channel. */
#include "ek_scaling.h"

typedef struct {
    int32_t channels;
    int32_t rows, columns; /* of the window */
    int32_t row_bytes;     /* from one row's first pixel to the next one's */
    int32_t bias, significand, shift;
    ek_scaling scaling;
} ek_pooled;

EK_KERNEL void ek_pooled_s8(const ek_pooled *a, const int8_t *x, int8_t *y)
{
    const int32_t table[3] = {a->bias, a->significand, a->shift};
    for (int32_t c = 0; c < a->channels; ++c) {
        int32_t sum = 0;
        for (int32_t row = 0; row < a->rows; ++row) {
            for (int32_t column = 0; column < a->columns; ++column) {
                sum += x[row * a->row_bytes + column * a->channels + c];
            }
        }
        y[c] = ek_scaled_s8(&a->scaling, sum, table);
    }
}
