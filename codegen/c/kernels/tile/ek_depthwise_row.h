/* Neighbouring pixels of one output row of a depthwise 3x3 convolution: what kernels for cores
 * without byte products compute at once, all channels of them one after the other. */
#ifndef EK_DEPTHWISE_ROW_H
#define EK_DEPTHWISE_ROW_H

#include "ek_high_word.h"

/* What of the windows lies inside the input: the condition flags of Arm, which kernels in assembly
 * load as they are. */
#define EK_ROW_NO_TOP 0x80000000u    /* the first kernel row lies above the input */
#define EK_ROW_LEFT 0x40000000u      /* the first column lies inside */
#define EK_ROW_RIGHT 0x20000000u     /* the last column lies inside */
#define EK_ROW_NO_BOTTOM 0x10000000u /* the last kernel row lies below the input */

/* Assembly reads these words in this order. */
typedef struct {
    const int8_t *weights; /* nine of each channel */
    const int32_t *table;  /* ek_high_word of each channel */
    int32_t channels;
    int32_t fill;          /* zero point of the input */
    int32_t offset;        /* 2 * zero point + 1, see ek_high_word */
    int32_t low, high;     /* clamp of the output */
    int32_t pixels;        /* computed at once */
    int32_t stride;        /* columns from one window to the next */
    int32_t row_bytes;     /* from one input row to the next */
} ek_depthwise_row;

/* x: where the first window begins, which may lie outside the input. y: the first pixel. */
typedef void (*ek_row_kernel)(const ek_depthwise_row *r, const int8_t *x, int8_t *y,
                              uint32_t inside);

EK_INLINE int ek_row_reads(uint32_t inside, int32_t ky, int32_t column, int32_t last)
{
    const int is_above = ky == 0 && (inside & EK_ROW_NO_TOP) != 0;
    const int is_below = ky == 2 && (inside & EK_ROW_NO_BOTTOM) != 0;
    const int is_left = column == 0 && (inside & EK_ROW_LEFT) == 0;
    const int is_right = column == last && (inside & EK_ROW_RIGHT) == 0;
    return !(is_above || is_below || is_left || is_right);
}

EK_INLINE void ek_depthwise_row_any(const ek_depthwise_row *r, const int8_t *x, int8_t *y,
                                    uint32_t inside, int is_signed)
{
    const int32_t last = (r->pixels - 1) * r->stride + 2;
    for (int32_t c = 0; c < r->channels; ++c) {
        for (int32_t p = 0; p < r->pixels; ++p) {
            int32_t sum = 0;
            for (int32_t tap = 0; tap < 9; ++tap) {
                const int32_t ky = tap / 3;
                const int32_t column = p * r->stride + tap % 3;
                const int32_t at = ky * r->row_bytes + column * r->channels + c;
                const int reads = ek_row_reads(inside, ky, column, last);
                sum += (reads ? x[at] : r->fill) * r->weights[9 * c + tap];
            }
            const int32_t *q = r->table + 3 * c;
            const int32_t out =
                is_signed ? ek_high_word_signed(sum, q, r->offset) : ek_high_word(sum, q);
            y[p * r->channels + c] = (int8_t)ek_clamp_i32(out, r->low, r->high);
        }
    }
}

#endif
