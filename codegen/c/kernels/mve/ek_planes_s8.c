/* int8 depthwise convolution with windows of up to 4x4 taps, eight channels at a time.
 *
 * The rows that one or two output rows need are turned into a plane for each channel, in which the
 * rows of a column are neighbours: a window is then sixteen consecutive bytes. Two output rows share
 * a plane, the second one with weights that lie a row further down.
 *
 * weights  16 bytes for each channel: a zero, then column by column four rows; those of the first
 *          output row begin behind the zero
 * scratch  8 * plane bytes
 */
#include "ek_scaling.h"

typedef struct {
    const int8_t *weights;
    const int32_t *table; /* bias, significand, shift of each channel */
    int32_t channels;     /* of the output, a multiple of 8 */
    int32_t count;        /* so many times `lines` output rows */
    int32_t row, row_step; /* first input row of the first time, and from time to time */
    int32_t y_step;        /* from time to time */
    int32_t height, row_bytes, width;
    int32_t skip;  /* bytes of a plane before the first column */
    int32_t plane; /* bytes of a plane */
    int32_t tiles, rest; /* whole tiles of eight results in a plane, and results after them */
    int32_t tile_step;   /* from tile to tile of the output */
    int32_t x_next, y_next; /* from behind a channel's tiles to the next channel's */
    int32_t fill;
    ek_scaling scaling;
    uint16_t spread[8]; /* the planes */
    uint16_t place[8];  /* the results of a tile, of both output rows in turn */
    uint32_t tail[4];   /* of up to four results after whole tiles, the last pixel's repeated */
    int32_t lines, rows, pixel_step;
    int32_t repeat; /* filters of each channel of the input */
} ek_planes;

EK_INLINE void ek_planes_s8_fetch(const ek_planes *a, const int8_t *x, int32_t row, int32_t first,
                                  int8_t *planes)
{
    const int32_t channels = a->channels / a->repeat;
    for (int32_t r = 0; r < a->rows; ++r) {
        const int inside = row + r >= 0 && row + r < a->height;
        for (int32_t column = 0; column < a->width; ++column) {
            for (int32_t c = 0; c < 8; ++c) {
                planes[a->spread[c] + a->skip + 4 * column + r] =
                    inside ? x[(row + r) * a->row_bytes + column * channels + (first + c) / a->repeat]
                           : (int8_t)a->fill;
            }
        }
    }
}

EK_INLINE void ek_planes_s8_channel(const ek_planes *a, const int8_t *plane, const int8_t *weights,
                                    const int32_t *table, int8_t *y)
{
    for (int32_t n = 0; n < 8 * a->tiles + a->rest; ++n) {
        const int8_t *src = plane + n / a->lines * a->pixel_step;
        const int8_t *w = weights + 1 - n % a->lines;
        int32_t sum = 0;
        for (int32_t i = 0; i < 16; ++i) {
            sum += src[i] * w[i];
        }
        y[n / 8 * a->tile_step + a->place[n % 8]] = ek_scaled_s8(&a->scaling, sum, table);
    }
}

EK_KERNEL void ek_planes_s8(const ek_planes *a, const int8_t *x, int8_t *y, int8_t *scratch)
{
    int32_t row = a->row;
    for (int32_t i = 0; i < 8 * a->plane; ++i) {
        scratch[i] = (int8_t)a->fill;
    }
    for (int32_t n = 0; n < a->count; ++n) {
        for (int32_t c = 0; c < a->channels; ++c) {
            if (c % 8 == 0) {
                ek_planes_s8_fetch(a, x, row, c, scratch);
            }
            ek_planes_s8_channel(a, scratch + a->spread[c % 8], a->weights + 16 * c,
                                 a->table + 3 * c, y + c);
        }
        row += a->row_step;
        y += a->y_step;
    }
}
