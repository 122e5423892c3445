/* Tiles of four rows with two columns, which are expanded: the readable equal of the Armv8.1-M function. */
#include "ek_matmul_pair.h"

EK_KERNEL void ek_matmul_pair_s8(const ek_matmul_pair *a, const int8_t *x, int8_t *y)
{
    const int32_t depth = a->steps * EK_STEP + a->rest;
    for (int32_t tile = 0; tile < a->tiles; ++tile, x += a->x_step, y += a->y_step) {
        for (int32_t row = 0; row < EK_ROWS; ++row) {
            const int8_t *from = row == 0 ? x : x + a->row[row - 1];
            for (int32_t c = 0; c < 2; ++c) {
                int32_t sum = 0;
                for (int32_t i = 0; i < depth; ++i) {
                    sum += from[i] * a->panel[(i / EK_STEP * 2 + c) * EK_STEP + i % EK_STEP];
                }
                y[a->place[2 * row + c]] = ek_scaled_s8(&a->scaling, sum, a->table + 3 * c);
            }
        }
    }
}
