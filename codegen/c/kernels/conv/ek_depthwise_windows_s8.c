/* int8 depthwise convolution, NHWC, any window: calls `pixel` for every output pixel. Windows that
 * reach over the border are copied to scratch with the input's zero point as padding.
 *
 * scratch  kernel_h * kernel_w * in_c bytes; none without padding
 */
#include "ek_depthwise_quads.h"
#include "ek_gather_s8.h"

EK_INLINE void ek_depthwise_windows_s8(ek_depthwise_pixel *pixel, const ek_window *w,
                                       const ek_depthwise_quads *a, int8_t x_zero, const int8_t *x,
                                       int8_t *scratch, int8_t *y)
{
    const int32_t inside[2] = {w->dilation_h * w->in_w * w->in_c, w->dilation_w * w->in_c};
    const int32_t copied[2] = {w->kernel_w * w->in_c, w->in_c};
    const int32_t reach_h = (w->kernel_h - 1) * w->dilation_h;
    const int32_t reach_w = (w->kernel_w - 1) * w->dilation_w;
    for (int32_t i = 0; i < w->out_h; ++i) {
        const int32_t oy = ek_turn(w, i, w->out_h);
        const int32_t iy = oy * w->stride_h - w->pad_top;
        for (int32_t j = 0; j < w->out_w; ++j) {
            const int32_t ox = ek_turn(w, j, w->out_w);
            const int32_t ix = ox * w->stride_w - w->pad_left;
            int8_t *out = y + (oy * w->out_w + ox) * w->out_c;
            if (iy >= 0 && iy + reach_h < w->in_h && ix >= 0 && ix + reach_w < w->in_w) {
                pixel(a, x + (iy * w->in_w + ix) * w->in_c, out, inside);
            } else {
                ek_gather_s8(w, x, oy, ox, 0, w->in_c, x_zero, scratch);
                pixel(a, scratch, out, copied);
            }
        }
    }
}
