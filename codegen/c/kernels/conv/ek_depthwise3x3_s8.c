/* int8 depthwise 3x3 convolution, NHWC: the same as the assembly functions.
 *
 * filters  for each channel, four by four: start and multiplier, then bytes w0 w1 w1 w2 for each
 *          column of the filter (w0: its upper row)
 * scratch  of the assembly function only
 */
#include "ek_depthwise_scale.h"

typedef struct {
    const int32_t *filters;
    int32_t channels;
    int32_t in_row, out_row; /* bytes */
    int32_t in_h, out_h, out_w;
    int32_t pairs; /* of columns, the last one filled up */
    int32_t half;  /* bytes of one row's outputs in scratch */
    int32_t odd;   /* 1: the last pair is not full */
    int32_t left;  /* 1: one column of padding before each row */
    int32_t right; /* 1: one after each row, as a pair of its own */
    int32_t pad_top;
    int32_t pad;               /* the padding's value in both halves */
    int32_t band, step, bands; /* two output rows each: which first, in which direction, how many */
    int32_t stride;            /* of rows and columns */
    int32_t shift;             /* after the high multiplication */
} ek_depthwise3x3;

/* Beyond the input all is padding. */
EK_INLINE int32_t ek_depthwise3x3_input(const ek_depthwise3x3 *a, const int8_t *x, int32_t iy,
                                        int32_t ix)
{
    const int inside = iy >= 0 && iy < a->in_h && ix >= 0 && ix * a->channels < a->in_row;
    return inside ? x[iy * a->in_row + ix * a->channels] : (int8_t)(a->pad & 0xff);
}

EK_INLINE int8_t ek_depthwise3x3_output(const ek_depthwise3x3 *a, const int8_t *x, int32_t oy,
                                        int32_t ox, const int32_t *filter)
{
    int32_t sum = filter[0];
    for (int32_t kx = 0; kx < 3; ++kx) {
        const uint32_t bytes = (uint32_t)filter[2 + kx];
        for (int32_t ky = 0; ky < 3; ++ky) {
            const int32_t weight = (int8_t)(bytes >> (ky == 2 ? 24 : 8 * ky) & 0xffu);
            const int32_t iy = oy * a->stride + ky - a->pad_top;
            sum += 256 * weight * ek_depthwise3x3_input(a, x, iy, ox * a->stride + kx - a->left);
        }
    }
    return ek_depthwise_scale_s8(sum, filter[1], a->shift);
}

EK_KERNEL void ek_depthwise3x3_s8(const ek_depthwise3x3 *a, const int8_t *x, int8_t *y,
                                  int8_t *scratch)
{
    const ek_depthwise3x3 args = *a; /* a copy: stores to y cannot change it */
    const int32_t last = args.channels - 4;
    (void)scratch;
    for (int32_t i = 0; i < args.out_h; ++i) {
        const int32_t oy = args.step > 0 ? i : args.out_h - 1 - i;
        const int32_t *filter = args.filters;
        for (int32_t first = 0; first < args.channels; first += 4) {
            const int32_t quad = first < last ? first : last;
            for (int32_t c = quad; c < quad + 4; ++c) {
                int8_t *out = y + oy * args.out_row + c;
                for (int32_t ox = 0; ox < args.out_w; ++ox) {
                    out[ox * args.channels] = ek_depthwise3x3_output(&args, x + c, oy, ox, filter);
                }
                filter += 5;
            }
        }
    }
}
