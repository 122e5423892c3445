/* int8 convolution without groups, NHWC: finds the windows of six pixels at a time and hands them
 * to a tile kernel, which computes some kernel rows (or a piece of one) for up to 64 filters a call.
 *
 * Bytes inside the input are read where they lie. Rows outside it are read from a line of the
 * input's zero point, pieces that reach over an edge are copied first.
 *
 * weights  pair by pair, see ek_tile; filters in blocks, each in the order of the calls
 * scratch  partial sums where there are several calls per block, the line, copied pieces
 */
#include "ek_tile.h"

typedef struct {
    const int8_t *weights;
    const int32_t *table;
    int32_t rows, piece;   /* kernel rows, and bytes of each, that one call takes */
    int32_t filters;       /* of a block: even, at most EK_TILE_FILTERS where sums must wait */
    int32_t waiting;       /* words of partial sums */
    int32_t padded;        /* 0: no window reaches over an edge, and there is no line */
    int32_t flags;         /* how the weights lie: EK_TILE_BY_FILTER, EK_TILE_LISTED or none */
    int32_t resume, wait;  /* flags of calls that are not the first, not the last of a block */
    int32_t fill;          /* zero point of the input */
    int32_t offset, low, high;
} ek_conv_tiles;

/* Six neighbouring pixels; the last one stands for those beyond the end. */
typedef struct {
    int32_t top[EK_TILE_PIXELS], left[EK_TILE_PIXELS];
    int8_t *y[EK_TILE_PIXELS];
    int32_t straight; /* all in one row, their windows inside the input's columns: as the first */
} ek_tile_place;

EK_INLINE void ek_tile_locate(const ek_window *w, int32_t first, int8_t *y, ek_tile_place *place)
{
    int32_t oy = first / w->out_w;
    int32_t ox = first - oy * w->out_w;
    int8_t *dst = y + first * w->out_c;
    const int32_t rest = w->out_h * w->out_w - first;
    const int32_t left = ox * w->stride_w - w->pad_left;
    const int32_t right = left + (EK_TILE_PIXELS - 1) * w->stride_w + w->kernel_w;
    place->straight = ox + EK_TILE_PIXELS <= w->out_w && left >= 0 && right <= w->in_w;
    if (place->straight) {
        place->top[0] = oy * w->stride_h - w->pad_top;
        place->left[0] = left;
        for (int32_t p = 0; p < EK_TILE_PIXELS; ++p, dst += w->out_c) {
            place->y[p] = dst;
        }
        return;
    }
    for (int32_t p = 0; p < EK_TILE_PIXELS; ++p) {
        place->top[p] = oy * w->stride_h - w->pad_top;
        place->left[p] = ox * w->stride_w - w->pad_left;
        place->y[p] = dst;
        if (p + 1 < rest) {
            dst += w->out_c;
            if (++ox == w->out_w) {
                ox = 0;
                ++oy;
            }
        }
    }
}

/* Bytes [begin, begin + length) of one row of a window, copied; those outside become `fill`. */
EK_KERNEL void ek_tile_copy(const ek_window *w, const int8_t *row, int32_t left, int32_t begin,
                            int32_t length, int8_t fill, int8_t *piece)
{
    const int32_t first = left * w->in_c + begin; /* counted from the row's first byte */
    const int32_t from = ek_clamp_i32(-first, 0, length);
    const int32_t to = ek_clamp_i32(w->in_w * w->in_c - first, from, length);
    for (int32_t i = 0; i < from; ++i) {
        piece[i] = fill;
    }
    for (int32_t i = from; i < to; ++i) {
        piece[i] = row[first + i];
    }
    for (int32_t i = to; i < length; ++i) {
        piece[i] = fill;
    }
}

/* Where the six windows' bytes of one kernel row are. */
EK_INLINE void ek_tile_row(const ek_window *w, const ek_tile_place *place, const int8_t *x,
                           int32_t ky, int32_t begin, int32_t length, const int8_t *line,
                           int8_t *pieces, const int8_t **found)
{
    const int32_t in_c = w->in_c;
    if (place->straight) {
        const int32_t iy = place->top[0] + ky * w->dilation_h;
        const int inside = iy >= 0 && iy < w->in_h;
        const int8_t *at = inside ? x + (iy * w->in_w + place->left[0]) * in_c + begin : line;
        const int32_t step = inside ? w->stride_w * in_c : 0;
        for (int32_t p = 0; p < EK_TILE_PIXELS; ++p, at += step) {
            found[p] = at;
        }
        return;
    }
    for (int32_t p = 0; p < EK_TILE_PIXELS; ++p) {
        const int32_t iy = place->top[p] + ky * w->dilation_h;
        const int32_t left = place->left[p];
        if (iy < 0 || iy >= w->in_h) {
            found[p] = line;
        } else if (left >= 0 && left + w->kernel_w <= w->in_w) {
            found[p] = x + (iy * w->in_w + left) * in_c + begin;
        } else {
            int8_t *piece = pieces + p * length;
            ek_tile_copy(w, x + iy * w->in_w * in_c, left, begin, length, *line, piece);
            found[p] = piece;
        }
    }
}

EK_INLINE int32_t ek_smaller(int32_t a, int32_t b)
{
    return a < b ? a : b;
}

/* All taps of six pixels to the filters of one block. */
EK_INLINE void ek_conv_tile(const ek_window *w, const ek_conv_tiles *c, ek_tile_kernel kernel,
                            const ek_tile_place *place, const int8_t *x, int8_t *scratch,
                            ek_tile *t)
{
    const int8_t *segments[EK_TILE_PIXELS * EK_TILE_ROWS];
    int32_t *partial = (int32_t *)(void *)scratch;
    const int8_t *line = scratch + 4 * c->waiting;
    const int32_t width = w->kernel_w * w->in_c;
    t->flags = c->flags;
    for (int32_t ky = 0; ky < w->kernel_h; ky += c->rows) {
        for (int32_t begin = 0; begin < width; begin += c->piece) {
            int8_t *pieces = scratch + 4 * c->waiting + EK_TILE_TAPS;
            t->rows = ek_smaller(c->rows, w->kernel_h - ky);
            t->length = ek_smaller(c->piece, width - begin);
            t->taps = t->rows * t->length;
            for (int32_t row = 0; row < t->rows; ++row) {
                ek_tile_row(w, place, x, ky + row, begin, t->length, line, pieces,
                            segments + EK_TILE_PIXELS * row);
                pieces += EK_TILE_PIXELS * t->length;
            }
            const int is_last = ky + c->rows >= w->kernel_h && begin + c->piece >= width;
            t->flags |= is_last ? 0 : c->wait;
            kernel(t, segments, place->y, partial);
            t->flags = c->flags | c->resume;
        }
    }
}

EK_KERNEL void ek_conv_tiles_s8(const ek_window *w, const ek_conv_tiles *c, ek_tile_kernel kernel,
                                const int8_t *x, int8_t *scratch, int8_t *y)
{
    const int32_t pixels = w->out_h * w->out_w;
    const int32_t last = (pixels - 1) / EK_TILE_PIXELS * EK_TILE_PIXELS;
    int8_t *line = scratch + 4 * c->waiting;
    for (int32_t i = 0; c->padded && i < EK_TILE_TAPS; ++i) {
        line[i] = (int8_t)c->fill;
    }
    for (int32_t n = 0; n < pixels; n += EK_TILE_PIXELS) {
        ek_tile_place place;
        ek_tile t = {c->weights, c->table, 0, 0, 0, 0, 0, c->offset, c->low, c->high};
        ek_tile_locate(w, w->backward ? last - n : n, y, &place);
        for (int32_t filter = 0; filter < w->out_c;) {
            /* An odd last filter is computed with the one before it. */
            const int32_t count = ek_smaller(c->filters, w->out_c - filter);
            const int32_t back = count == 1 ? 1 : 0;
            t.pairs = (count + back) / 2;
            const int32_t done = 2 * t.pairs - back;
            for (int32_t p = 0; back && p < EK_TILE_PIXELS; ++p) {
                place.y[p] -= back;
            }
            ek_conv_tile(w, c, kernel, &place, x, scratch, &t);
            filter += done;
            for (int32_t p = 0; filter < w->out_c && p < EK_TILE_PIXELS; ++p) {
                place.y[p] += 2 * t.pairs;
            }
            t.table += 3 * 2 * t.pairs;
        }
    }
}
