/* Some rows of a tensor, copied one after the other with padding on both sides; rows outside the tensor
 * become padding. Channels may be repeated, so that those of the copy are the filters of a depthwise
 * convolution. */
#include "ek_common.h"

typedef struct {
    int32_t height;            /* rows of the tensor */
    int32_t row_bytes;         /* from one to the next */
    int32_t count, step;       /* rows to copy, and their distance */
    int32_t skip;              /* bytes of each row before what is copied */
    int32_t left, copy, right; /* bytes of padding, of the row, of padding */
    int32_t fill;
    int32_t repeat; /* how often each channel is written */
    int32_t size;   /* bytes of a channel */
} ek_rows;

EK_KERNEL void ek_rows_s8(const ek_rows *a, const int8_t *x, int8_t *y, int32_t row)
{
    for (int32_t n = 0; n < a->count; ++n) {
        const int inside = row >= 0 && row < a->height;
        const int8_t *src = inside ? x + row * a->row_bytes + a->skip : NULL;
        for (int32_t i = 0; i < a->left + a->copy + a->right; ++i) {
            const int32_t at = i - a->left;
            const int32_t from = at / a->size / a->repeat * a->size + at % a->size;
            *y++ = inside && at >= 0 && at < a->copy ? src[from] : (int8_t)a->fill;
        }
        row += a->step;
    }
}
