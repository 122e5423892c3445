/* int8 convolution 3x3 with stride 1, NHWC, by Winograd's F(4, 3): walks over bands of four rows of
 * outputs, two columns at a time.
 *
 * Where all channels are transformed at once and for all filters, columns that the next tile needs too
 * stay; else parts of the channels are transformed for some of the filters, and sums wait.
 *
 * scratch  transformed columns, sums of a block, sums that wait, a place for rows below the output
 */
#include "ek_winograd.h"

typedef struct {
    const int16_t *weights;      /* group of filters, part of the channels, see ek_winograd_tile */
    const int32_t *q;            /* constants of all blocks */
    const int8_t *fill;          /* channels of the input's zero point */
    int32_t channels;            /* of a part, a multiple of four */
    int32_t blocks;              /* of a group */
    int32_t slots;               /* words that a block keeps sums in */
    int32_t code;                /* for the assembly: bytes for a pair of channels, */
    int32_t unrolled;            /* and pairs in a loop */
    int32_t tail, zero, add, subtract, start, factor;
} ek_conv_winograd;

/* A layer that is under way. */
typedef struct {
    const ek_window *window;
    const ek_conv_winograd *layer;
    ek_winograd_columns_kernel columns;
    ek_winograd_tile_kernel kernel;
    const int8_t *x[EK_WINOGRAD_POINTS]; /* rows of inputs of the band at column 0, in the order of */
    int32_t is_inside;                   /* the columns kernel; 1: none is outside (NULL) */
    int8_t *y[EK_WINOGRAD_ROWS];         /* rows of outputs at column 0; NULL: outside */
    int16_t *v;
    int8_t *spare; /* takes the outputs of rows outside */
    ek_winograd_tile tile;
} ek_winograd_run;

/* Find the rows of the band whose first row of outputs is oy. */
EK_INLINE void ek_winograd_locate(ek_winograd_run *r, int32_t oy, const int8_t *x, int8_t *y)
{
    const ek_window *w = r->window;
    const int32_t top = oy - w->pad_top;
    r->is_inside = top >= 0 && top + EK_WINOGRAD_POINTS <= w->in_h;
    for (int32_t k = 0; k < EK_WINOGRAD_POINTS; ++k) {
        const int32_t iy = top + (k < 3 ? 2 * k : 2 * k - 5);
        r->x[k] = iy >= 0 && iy < w->in_h ? x + iy * w->in_w * w->in_c : NULL;
    }
    for (int32_t row = 0; row < EK_WINOGRAD_ROWS; ++row) {
        r->y[row] = oy + row < w->out_h ? y + (oy + row) * w->out_w * w->out_c : NULL;
    }
}

/* Transform columns [begin, 4) of the tile whose first column of inputs is ix. */
EK_INLINE void ek_winograd_fill(const ek_winograd_run *r, int32_t ix, int32_t begin, int32_t channel,
                                int32_t count)
{
    const ek_window *w = r->window;
    const int8_t *rows[EK_WINOGRAD_POINTS];
    ek_winograd_column a = {r->x, (ix + begin) * w->in_c + channel, count / 4, r->v + 2 * begin,
                            begin == 0 ? 0 : count / 2};
    for (int32_t k = begin; k < EK_WINOGRAD_WIDTH; ++k) {
        const int is_inside = ix + k >= 0 && ix + k < w->in_w;
        if (is_inside && r->is_inside) {
            r->columns(&a);
        } else {
            ek_winograd_column edge = a;
            for (int32_t row = 0; row < EK_WINOGRAD_POINTS; ++row) {
                rows[row] = is_inside && r->x[row] != NULL ? r->x[row] + a.at : r->layer->fill;
            }
            edge.rows = rows;
            edge.at = 0;
            r->columns(&edge);
        }
        a.at += w->in_c;
        a.v += 2;
        a.moved = 0;
    }
}

/* Some blocks of filters; the last of them begins so many filters before its place. */
EK_INLINE void ek_winograd_filters(ek_winograd_run *r, int32_t blocks, int32_t back)
{
    ek_winograd_tile *t = &r->tile;
    t->blocks = back > 0 ? blocks - 1 : blocks;
    if (t->blocks > 0) {
        r->kernel(t);
    }
    if (back > 0) {
        t->weights += t->blocks * EK_WINOGRAD_POINTS * 2 * EK_WINOGRAD_TAPS * EK_WINOGRAD_FILTERS * t->pairs;
        t->q += t->blocks * EK_WINOGRAD_Q;
        t->waiting += t->blocks * EK_WINOGRAD_WAITING;
        for (int32_t row = 0; row < EK_WINOGRAD_ROWS; ++row) {
            t->y[row] += t->blocks * EK_WINOGRAD_FILTERS - back;
        }
        t->blocks = 1;
        r->kernel(t);
    }
}

/* One tile, whose first output is in column ox. */
EK_INLINE void ek_winograd_each(ek_winograd_run *r, int32_t ox, int32_t begin)
{
    const ek_window *w = r->window;
    const ek_conv_winograd *c = r->layer;
    ek_winograd_tile *t = &r->tile;
    int32_t *waiting = t->slots + c->slots;
    const int16_t *weights = c->weights;
    for (int32_t filter = 0; filter < w->out_c; filter += EK_WINOGRAD_FILTERS * c->blocks) {
        const int32_t rest = (w->out_c - filter + EK_WINOGRAD_FILTERS - 1) / EK_WINOGRAD_FILTERS;
        const int32_t blocks = rest < c->blocks ? rest : c->blocks;
        const int32_t beyond = filter + EK_WINOGRAD_FILTERS * blocks - w->out_c;
        for (int32_t channel = 0; channel < w->in_c; channel += c->channels) {
            const int32_t left = w->in_c - channel;
            const int32_t count = left < c->channels ? left : c->channels;
            ek_winograd_fill(r, ox - w->pad_left, begin, channel, count);
            t->weights = weights;
            t->waiting = waiting;
            t->q = c->q + filter / EK_WINOGRAD_FILTERS * EK_WINOGRAD_Q;
            t->pairs = count / 2;
            t->first = channel == 0 ? -1 : 0;
            t->last = count == left ? 1 : 0;
            t->entry = ((t->pairs - 1) % c->unrolled + 1) * c->code;
            for (int32_t row = 0; row < EK_WINOGRAD_ROWS; ++row) {
                t->y[row] = (r->y[row] == NULL ? r->spare : r->y[row] + ox * w->out_c) + filter;
            }
            ek_winograd_filters(r, blocks, beyond > 0 ? beyond : 0);
            weights += blocks * EK_WINOGRAD_POINTS * EK_WINOGRAD_TAPS * EK_WINOGRAD_FILTERS * count;
        }
    }
}

/* The next tile of a band, where columns stay and all filters are whole blocks: only addresses move. */
EK_INLINE void ek_winograd_next(ek_winograd_run *r, int32_t ox)
{
    const ek_window *w = r->window;
    ek_winograd_fill(r, ox - w->pad_left, EK_WINOGRAD_COLUMNS, 0, w->in_c);
    for (int32_t row = 0; row < EK_WINOGRAD_ROWS; ++row) {
        r->tile.y[row] += r->y[row] == NULL ? 0 : EK_WINOGRAD_COLUMNS * w->out_c;
    }
    r->kernel(&r->tile);
}

EK_KERNEL void ek_conv_winograd_s8(const ek_window *w, const ek_conv_winograd *c,
                                   ek_winograd_columns_kernel columns, ek_winograd_tile_kernel kernel,
                                   const int8_t *x, int8_t *scratch, int8_t *y)
{
    int16_t *v = (int16_t *)(void *)scratch;
    int32_t *slots = (int32_t *)(void *)(v + c->channels / 2 * EK_WINOGRAD_RECORD);
    const int is_whole = c->channels >= w->in_c && EK_WINOGRAD_FILTERS * c->blocks >= w->out_c;
    const int32_t waiting = c->channels < w->in_c ? c->blocks * EK_WINOGRAD_WAITING : 0;
    const int32_t last = (w->out_h - 1) / EK_WINOGRAD_ROWS * EK_WINOGRAD_ROWS;
    ek_winograd_run r = {
        .window = w, .layer = c, .columns = columns, .kernel = kernel, .v = v,
        .spare = (int8_t *)(slots + c->slots + waiting),
        .tile = {.v = v, .slots = slots, .distance = w->out_c, .tail = c->tail, .zero = c->zero,
                 .add = c->add, .subtract = c->subtract, .start = c->start, .factor = c->factor}};
    for (int32_t n = 0; n < w->out_h; n += EK_WINOGRAD_ROWS) {
        int32_t begin = 0; /* columns before it stay from the tile before */
        ek_winograd_locate(&r, w->backward ? last - n : n, x, y);
        for (int32_t ox = 0; ox < w->out_w; ox += EK_WINOGRAD_COLUMNS) {
            const int is_odd = ox + EK_WINOGRAD_COLUMNS > w->out_w;
            if (begin > 0 && !is_odd && w->out_c % EK_WINOGRAD_FILTERS == 0) {
                ek_winograd_next(&r, ox);
            } else {
                ek_winograd_each(&r, is_odd ? ox - 1 : ox, is_odd ? 0 : begin);
            }
            begin = is_whole ? EK_WINOGRAD_COLUMNS : 0;
        }
    }
}
