/* int8 depthwise convolution, NHWC, area by area: packs what an area reads, four channels at a
 * time, and calls `multiply` for them. Of the last four channels some may be those before.
 *
 * scratch  EK_AREA_ROW halfwords for each input row of an area. Padding is written when it lies
 *          elsewhere than in the area before: packing leaves it alone.
 */
#include "ek_depthwise_areas.h"

/* So many positions at, at + step, ...: how many lie before the input, and then inside. */
typedef struct {
    int32_t count;
    int32_t before;
    int32_t inside;
} ek_depthwise_span;

EK_INLINE ek_depthwise_span ek_depthwise_find(int32_t at, int32_t step, int32_t count, int32_t size)
{
    int32_t before = at < 0 ? (step - 1 - at) / step : 0;
    int32_t end = at < size ? (step - 1 + size - at) / step : 0;
    before = before < count ? before : count;
    end = end < count ? end : count;
    const ek_depthwise_span span = {count, before, end > before ? end - before : 0};
    return span;
}

EK_INLINE int ek_depthwise_differs(ek_depthwise_span a, ek_depthwise_span b)
{
    return a.count != b.count || a.before != b.before || a.inside != b.inside;
}

/* First output of a row (column) of areas, each in steps of the dilation, phase after phase. */
EK_INLINE int32_t ek_depthwise_start(int32_t number, int32_t dilation, int32_t most)
{
    return number % dilation + number / dilation * dilation * most;
}

EK_KERNEL void ek_depthwise_areas_s8(ek_depthwise_fill *fill, ek_depthwise_pack *pack,
                                     ek_depthwise_multiply *multiply, const ek_window *w,
                                     const ek_depthwise_layer *a, const int8_t *x, int8_t *scratch,
                                     int8_t *y)
{
    int16_t *packed = (int16_t *)(void *)scratch;
    const int32_t areas = a->bands * a->strips;
    ek_depthwise_span known_h = {0, 0, 0}, known_w = {0, 0, 0};
    for (int32_t turn = 0; turn < areas; ++turn) {
        const int32_t number = ek_turn(w, turn, areas);
        const int32_t oy = ek_depthwise_start(number / a->strips, w->dilation_h, a->band);
        const int32_t ox = ek_depthwise_start(number % a->strips, w->dilation_w, a->strip);
        const int32_t rest_h = (w->out_h - oy + w->dilation_h - 1) / w->dilation_h;
        const int32_t rest_w = (w->out_w - ox + w->dilation_w - 1) / w->dilation_w;
        if (rest_h <= 0 || rest_w <= 0) {
            continue; /* a phase with fewer outputs than others */
        }
        const ek_depthwise_area area = {
            .layer = a,
            .rows = rest_h < a->band ? rest_h : a->band,
            .columns = rest_w < a->strip ? rest_w : a->strip,
            .step = 2 * EK_AREA_ROW * w->stride_h,
            .row = w->dilation_h * w->out_w * w->out_c,
            .column = w->dilation_w * w->out_c,
        };
        const int32_t iy = oy * w->stride_h - w->pad_top, ix = ox * w->stride_w - w->pad_left;
        const int32_t height = (area.rows - 1) * w->stride_h + w->kernel_h;
        const int32_t width = (area.columns - 1) * w->stride_w + w->kernel_w;
        const ek_depthwise_span in_h = ek_depthwise_find(iy, w->dilation_h, height, w->in_h);
        const ek_depthwise_span in_w = ek_depthwise_find(ix, w->dilation_w, width, w->in_w);
        if (ek_depthwise_differs(in_h, known_h) || ek_depthwise_differs(in_w, known_w)) {
            known_h = in_h;
            known_w = in_w;
            if (in_h.inside < height || in_w.inside < width) {
                fill(packed, height, a->pad);
            }
        }
        const ek_depthwise_input from = {
            .rows = in_h.inside,
            .row = w->dilation_h * w->in_w * w->in_c,
            .columns = in_w.inside,
            .column = w->dilation_w * w->in_c,
            .left = in_w.before,
        };
        const int32_t first = in_h.before * from.row + in_w.before * from.column +
                              (iy * w->in_w + ix) * w->in_c;
        int8_t *out = y + (oy * w->out_w + ox) * w->out_c;
        const int32_t *filters = a->filters;
        for (int32_t c = 0; c < w->in_c; c += 4, filters += 4 * a->words) {
            const int32_t channel = c < w->in_c - 4 ? c : w->in_c - 4;
            if (from.rows > 0 && from.columns > 0) {
                pack(&from, x + first + channel, packed + in_h.before * EK_AREA_ROW);
            }
            multiply(&area, filters, packed, out + channel);
        }
    }
}
