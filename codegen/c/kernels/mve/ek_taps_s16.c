/* int16 depthwise convolution tap by tap, see ek_taps.h; the table holds bias and scale times 2^32. Sums of
 * 32 bits suffice, which is checked when a layer is emitted. */
#include "ek_columns_s16.h"
#include "ek_taps.h"

EK_KERNEL void ek_taps_s16(const ek_taps *a, const int16_t *x, int16_t *y, int32_t pixels)
{
    const int32_t tap_step = a->tap_step / 2, row_step = a->row_bytes / 2;
    for (; pixels > 0; --pixels) {
        for (int32_t c = 0; c < a->channels; ++c) {
            const int32_t *table = ek_taps_table(a, c, 2);
            const int8_t *weight = ek_taps_weights(a, c);
            int32_t sum = table[0];
            for (int32_t row = 0; row < a->rows; ++row) {
                for (int32_t column = 0; column < a->columns; ++column) {
                    sum += x[row * row_step + column * tap_step + c] * *weight;
                    weight += 8;
                }
            }
            *y++ = ek_narrow_s16(sum, table[8], a->scaling.low);
        }
        x += a->pixel_step / 2;
    }
}
