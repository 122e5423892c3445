/* int8 depthwise convolution of neighbouring pixels of one output row, eight channels at a time, from
 * rows that include their padding.
 *
 * Weights and table are filled up to a multiple of eight channels: for each eight channels, their
 * weights tap by tap, and bias, significand and shift of the even channels and of the odd ones.
 */
#include "ek_scaling.h"

typedef struct {
    const int8_t *weights;
    const int32_t *table;
    int32_t channels;
    int32_t rows, columns; /* of the window */
    int32_t tap_step;      /* bytes from tap to tap of a row */
    int32_t row_skip;      /* from behind a row's last tap to the next row's first one */
    int32_t pixel_step;
    ek_scaling scaling;
    int32_t row_bytes; /* from row to row */
} ek_taps;

EK_KERNEL void ek_taps_s8(const ek_taps *a, const int8_t *x, int8_t *y, int32_t pixels)
{
    for (; pixels > 0; --pixels) {
        const int8_t *weights = a->weights;
        for (int32_t c = 0; c < a->channels; ++c) {
            const int32_t *table = a->table + c / 8 * 24 + c % 8 / 2 + c % 2 * 4;
            const int32_t own[3] = {table[0], table[8], table[16]};
            const int8_t *group = weights + c / 8 * 8 * a->rows * a->columns + c % 8;
            int32_t sum = 0;
            for (int32_t row = 0; row < a->rows; ++row) {
                for (int32_t column = 0; column < a->columns; ++column) {
                    sum += x[row * a->row_bytes + column * a->tap_step + c] * *group;
                    group += 8;
                }
            }
            *y++ = ek_scaled_s8(&a->scaling, sum, own);
        }
        x += a->pixel_step;
    }
}
