/* int8 convolution, NHWC, any window and number of groups.
 *
 * Two output pixels and two filters at a time, so that each load serves two products. Windows are
 * copied to scratch with the input's zero point as padding; the zero point itself is folded into
 * the bias by the generator. 1x1 kernels without padding read the input in place.
 *
 * weights  out_c x kernel_h x kernel_w x (in_c / groups)
 * bias     out_c, input zero point folded in
 * scratch  2 * kernel_h * kernel_w * (in_c / groups) bytes; none for 1x1 without padding
 */
#include "ek_dot_s8.h"
#include "ek_gather_s8.h"
#include "ek_requant.h"

EK_INLINE const int8_t *ek_conv2d_s8_window(const ek_window *w, const int8_t *x, int32_t pixel,
                                            int32_t channel, int32_t count, int8_t fill,
                                            int8_t *patch)
{
    const int32_t oy = pixel / w->out_w;
    const int32_t ox = pixel - oy * w->out_w;
    if (patch == NULL) {
        return x + (oy * w->stride_h * w->in_w + ox * w->stride_w) * w->in_c + channel;
    }
    ek_gather_s8(w, x, oy, ox, channel, count, fill, patch);
    return patch;
}

/* One position of two windows against two filters. */
#define EK_CONV2D_S8_TAP(i)                                                                        \
    do {                                                                                           \
        const int32_t x0 = a0[i];                                                                  \
        const int32_t x1 = a1[i];                                                                  \
        s00 += x0 * w0[i];                                                                         \
        s01 += x0 * w1[i];                                                                         \
        s10 += x1 * w0[i];                                                                         \
        s11 += x1 * w1[i];                                                                         \
    } while (0)

EK_INLINE void ek_conv2d_s8_block(const int8_t *a0, const int8_t *a1, const int8_t *w0,
                                  const int8_t *w1, int32_t k, int32_t acc[4])
{
#if EK_DOT_S8
    const int32_t done = ek_dots_s8(a0, a1, w0, w1, k, acc);
    a0 += done;
    a1 += done;
    w0 += done;
    w1 += done;
    k -= done;
#endif
    int32_t s00 = acc[0];
    int32_t s01 = acc[1];
    int32_t s10 = acc[2];
    int32_t s11 = acc[3];
#if EK_UNROLL
    for (int32_t n = k >> 2; n > 0; --n) {
        EK_CONV2D_S8_TAP(0);
        EK_CONV2D_S8_TAP(1);
        EK_CONV2D_S8_TAP(2);
        EK_CONV2D_S8_TAP(3);
        a0 += 4;
        a1 += 4;
        w0 += 4;
        w1 += 4;
    }
    k &= 3;
#endif
    for (int32_t i = 0; i < k; ++i) {
        EK_CONV2D_S8_TAP(i);
    }
    acc[0] = s00;
    acc[1] = s01;
    acc[2] = s10;
    acc[3] = s11;
}

EK_INLINE void ek_conv2d_s8(const ek_window *w, const ek_requant *q, int8_t x_zero,
                            const int8_t *x, const int8_t *weights, const int32_t *bias,
                            int8_t *scratch, int8_t *y, int rule)
{
    const ek_requant r = *q; /* a copy: stores to y cannot change it */
    const int32_t count = w->in_c / w->groups;
    const int32_t filters = w->out_c / w->groups;
    const int32_t k = w->kernel_h * w->kernel_w * count;
    const int32_t pixels = w->out_h * w->out_w;

    for (int32_t group = 0; group < w->groups; ++group) {
        const int32_t last = (group + 1) * filters;
        for (int32_t n = 0; n < pixels; n += 2) {
            const int32_t p = w->backward ? ((pixels - 1) & ~1) - n : n;
            /* An odd last pixel (filter) is computed twice instead of having its own code. */
            const int8_t *a0 = ek_conv2d_s8_window(w, x, p, group * count, count, x_zero,
                                                   scratch);
            const int8_t *a1 = a0;
            int8_t *y0 = y + p * w->out_c;
            int8_t *y1 = y0;
            if (p + 1 < pixels) {
                a1 = ek_conv2d_s8_window(w, x, p + 1, group * count, count, x_zero,
                                         scratch == NULL ? NULL : scratch + k);
                y1 = y0 + w->out_c;
            }
            for (int32_t c = group * filters; c < last; c += 2) {
                const int32_t d = c + 1 < last ? c + 1 : c;
                int32_t acc[4] = {bias[c], bias[d], bias[c], bias[d]};
                ek_conv2d_s8_block(a0, a1, weights + c * k, weights + d * k, k, acc);
                y0[c] = ek_requantize(acc[0], &r, c, rule);
                y0[d] = ek_requantize(acc[1], &r, d, rule);
                y1[c] = ek_requantize(acc[2], &r, c, rule);
                y1[d] = ek_requantize(acc[3], &r, d, rule);
            }
        }
    }
}
