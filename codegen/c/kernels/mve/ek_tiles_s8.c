/* int8 products of tiles of four pixels with all filters, two filters at a time.
 *
 * A pixel's window is `rows` runs of `row_bytes` bytes; that of the next pixel begins `pixel_step`
 * bytes further on. Weights lie in reading order: for each pair of filters and each run, 16 bytes of
 * the first filter, 16 of the second, and so on; 8 of each where no more than 8 are left.
 */
#include "ek_scaling.h"

typedef struct {
    const int8_t *weights;
    const int32_t *table; /* bias, significand, shift of each filter; a pair for each two */
    int32_t filters;
    int32_t x_step, y_step; /* from a tile to the next; negative to walk backward */
    int32_t row_step;       /* from a run of a window to the next */
    uint16_t place[8];      /* of the results from y: both filters of pixel 0, of pixel 1, ... */
    ek_scaling scaling;
    int32_t rows, row_bytes, pixel_step;
} ek_tiles;

EK_INLINE void ek_tiles_s8_run(const ek_tiles *a, const int8_t *x, const int8_t *weights,
                               int32_t sum[2][4])
{
    for (int32_t k = 0; k < a->row_bytes; k += 16) {
        const int32_t width = a->row_bytes - k > 8 ? 16 : 8;
        for (int32_t p = 0; p < 4; ++p) {
            const int8_t *src = x + p * a->pixel_step + k;
            for (int32_t i = 0; i < width; ++i) {
                sum[0][p] += src[i] * weights[i];
                sum[1][p] += src[i] * weights[width + i];
            }
        }
        weights += 2 * width;
    }
}

EK_KERNEL void ek_tiles_s8(const ek_tiles *a, const int8_t *x, int8_t *y, int32_t tiles)
{
    for (; tiles > 0; --tiles) {
        const int8_t *weights = a->weights;
        const int32_t *table = a->table;
        for (int32_t pair = 0; pair < (a->filters + 1) / 2; ++pair) {
            /* An odd number of filters: the last pair takes one again. */
            const int32_t last = a->filters > 1 ? a->filters - 2 : 0;
            const int32_t filter = 2 * pair < last ? 2 * pair : last;
            int32_t sum[2][4] = {{0}};
            for (int32_t row = 0; row < a->rows; ++row) {
                ek_tiles_s8_run(a, x + row * a->row_step, weights, sum);
                weights += 2 * a->row_bytes;
            }
            for (int32_t p = 0; p < 4; ++p) {
                for (int32_t f = 0; f < 2; ++f) {
                    y[a->place[2 * p + f] + filter] =
                        ek_scaled_s8(&a->scaling, sum[f][p], table + 3 * f);
                }
            }
            table += 6;
        }
        x += a->x_step;
        y += a->y_step;
    }
}
