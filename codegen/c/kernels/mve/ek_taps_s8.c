/* int8 depthwise convolution tap by tap, see ek_taps.h; the table holds bias, significand and shift. */
#include "ek_taps.h"

EK_KERNEL void ek_taps_s8(const ek_taps *a, const int8_t *x, int8_t *y, int32_t pixels)
{
    for (; pixels > 0; --pixels) {
        for (int32_t c = 0; c < a->channels; ++c) {
            const int32_t *table = ek_taps_table(a, c, 3);
            const int32_t own[3] = {table[0], table[8], table[16]};
            const int8_t *weight = ek_taps_weights(a, c);
            int32_t sum = 0;
            for (int32_t row = 0; row < a->rows; ++row) {
                for (int32_t column = 0; column < a->columns; ++column) {
                    sum += x[row * a->row_bytes + column * a->tap_step + c] * *weight;
                    weight += 8;
                }
            }
            *y++ = ek_scaled_s8(&a->scaling, sum, own);
        }
        x += a->pixel_step;
    }
}
