/* Neighbouring pixels of one output row of a depthwise convolution with any window, and with any
 * number of filters for each channel: what kernels for cores without byte products compute at once,
 * some channels one after the other. What the windows reach was copied to a patch before, so that
 * it has no borders. */
#ifndef EK_DEPTHWISE_PATCH_H
#define EK_DEPTHWISE_PATCH_H

#include "ek_high_word.h"

/* Assembly reads these words in this order. */
typedef struct {
    const int8_t *weights; /* kernel_h * kernel_w of each filter */
    const int32_t *table;  /* ek_high_word of each filter */
    int32_t channels;      /* in a patch: at most `lanes` */
    int32_t multiplier;    /* filters of each channel */
    int32_t kernel_h;
    int32_t row_bytes;     /* of the patch */
    int32_t pitch;         /* from one output pixel to the next */
    int32_t offset;        /* 2 * zero point + 1, see ek_high_word */
    int32_t low, high;     /* clamp of the output */
    int32_t kernel_w;
    int32_t pixels;        /* computed at once */
    int32_t stride;        /* columns from one window to the next */
    int32_t dilation;      /* columns from one tap to the next */
    int32_t lanes;         /* bytes from one column of the patch to the next */
    int32_t fill;          /* zero point of the input */
} ek_depthwise_patch;

/* x: a patch, whose rows are those of the kernel. y: the first filter of the first pixel. */
typedef void (*ek_patch_kernel)(const ek_depthwise_patch *p, const int8_t *x, int8_t *y);

EK_INLINE int32_t ek_depthwise_patch_sum(const ek_depthwise_patch *p, const int8_t *x,
                                         const int8_t *weights)
{
    int32_t sum = 0;
    for (int32_t ky = 0; ky < p->kernel_h; ++ky) {
        for (int32_t kx = 0; kx < p->kernel_w; ++kx) {
            sum += x[ky * p->row_bytes + kx * p->dilation * p->lanes] * *weights++;
        }
    }
    return sum;
}

EK_INLINE void ek_depthwise_patch_any(const ek_depthwise_patch *p, const int8_t *x, int8_t *y,
                                      int is_signed)
{
    for (int32_t filter = 0; filter < p->channels * p->multiplier; ++filter) {
        const int8_t *weights = p->weights + filter * p->kernel_h * p->kernel_w;
        const int32_t *q = p->table + 3 * filter;
        for (int32_t i = 0; i < p->pixels; ++i) {
            const int8_t *first = x + i * p->stride * p->lanes + filter / p->multiplier;
            const int32_t sum = ek_depthwise_patch_sum(p, first, weights);
            const int32_t out =
                is_signed ? ek_high_word_signed(sum, q, p->offset) : ek_high_word(sum, q);
            y[i * p->pitch + filter] = (int8_t)ek_clamp_i32(out, p->low, p->high);
        }
    }
}

#endif
