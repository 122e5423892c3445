/* Images of bytes: one pixel of the resized, recoloured image.
 * Specified in quantize/processing/image.py. */
#ifndef EK_IMAGE_H
#define EK_IMAGE_H

#include "ek_common.h"

#define EK_IMAGE_BITS 11
#define EK_IMAGE_ONE (1 << EK_IMAGE_BITS)

typedef struct {
    int32_t row, column, channel; /* bytes of the source from one to the next */
    int32_t out_h, out_w, out_c;
    const int32_t *rows, *columns; /* where each output row and column looks, in 1/2048 */
    const uint8_t *order;          /* source channel of each output channel */
    const uint8_t *luma;           /* weights of three source channels in 1/256, or NULL */
    int32_t table_step;            /* 256: one table for each channel; 0: one for all */
} ek_image;

/* Where the fraction is 0 the second neighbour has no weight, and may lie outside: not read. */
EK_INLINE int32_t ek_image_sample(const ek_image *s, const uint8_t *raw, int32_t y, int32_t x)
{
    const int32_t fy = y & (EK_IMAGE_ONE - 1), fx = x & (EK_IMAGE_ONE - 1);
    const uint8_t *top = raw + (y >> EK_IMAGE_BITS) * s->row + (x >> EK_IMAGE_BITS) * s->column;
    if ((fy | fx) == 0) {
        return top[0];
    }
    const uint8_t *bottom = top + (fy != 0 ? s->row : 0);
    const int32_t right = fx != 0 ? s->column : 0;
    const int32_t a = top[0] * (EK_IMAGE_ONE - fx) + top[right] * fx;
    const int32_t b = bottom[0] * (EK_IMAGE_ONE - fx) + bottom[right] * fx;
    const int32_t half = 1 << (2 * EK_IMAGE_BITS - 1);
    return (a * (EK_IMAGE_ONE - fy) + b * fy + half) >> (2 * EK_IMAGE_BITS);
}

/* Byte of channel c of the pixel at (y, x), both in 1/2048. */
EK_INLINE int32_t ek_image_byte(const ek_image *s, const uint8_t *raw, int32_t y, int32_t x,
                                int32_t c)
{
    if (s->luma == NULL) {
        return ek_image_sample(s, raw + s->order[c] * s->channel, y, x);
    }
    int32_t sum = 128;
    for (int32_t k = 0; k < 3; ++k) {
        sum += s->luma[k] * ek_image_sample(s, raw + k * s->channel, y, x);
    }
    return sum >> 8;
}

#endif
