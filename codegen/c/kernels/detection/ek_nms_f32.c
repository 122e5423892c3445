/* Non-maximum suppression of boxes (batch, count, 4) with scores (batch, classes, count): rows of
 * (batch, class, box), the best first, `rows` in all; rows that stay empty are -1. Needs no scratch:
 * each round looks for the best box behind the one looked at last, by score and then by position,
 * and the boxes chosen so far are read from y. */
#include "ek_common.h"

typedef struct {
    int32_t batch, classes, count, maximum, rows, center;
} ek_nms;

typedef struct {
    float low[2], high[2], area;
} ek_box;

EK_INLINE ek_box ek_box_read(const float *p, int32_t center)
{
    ek_box box;
    for (int32_t i = 0; i < 2; ++i) {
        const float a = center ? p[i] - p[i + 2] / 2.0f : p[i];
        const float b = center ? p[i] + p[i + 2] / 2.0f : p[i + 2];
        box.low[i] = a < b ? a : b;
        box.high[i] = a < b ? b : a;
    }
    box.area = (box.high[0] - box.low[0]) * (box.high[1] - box.low[1]);
    return box;
}

/* Whether intersection over union exceeds the limit. */
EK_INLINE int ek_box_overlaps(const ek_box *a, const ek_box *b, float limit)
{
    float shared = 1.0f;
    for (int32_t i = 0; i < 2; ++i) {
        const float low = a->low[i] > b->low[i] ? a->low[i] : b->low[i];
        const float high = a->high[i] < b->high[i] ? a->high[i] : b->high[i];
        if (!(high > low)) {
            return 0;
        }
        shared *= high - low;
    }
    const float whole = a->area + b->area - shared;
    return whole > 0.0f && shared / whole > limit;
}

/* The best box behind box `last`, -1 where none is left. */
EK_INLINE int32_t ek_nms_next(const float *score, int32_t count, int32_t last, float least)
{
    int32_t best = -1;
    for (int32_t i = 0; i < count; ++i) {
        const int later = last < 0 || score[i] < score[last] || (score[i] == score[last] && i > last);
        if (later && score[i] > least && (best < 0 || score[i] > score[best])) {
            best = i;
        }
    }
    return best;
}

EK_KERNEL void ek_nms_f32(const ek_nms *g, float limit, float least, const float *boxes,
                          const float *scores, int64_t *y)
{
    int32_t used = 0;
    for (int32_t n = 0; n < g->batch * g->classes; ++n) {
        const float *own = boxes + n / g->classes * g->count * 4;
        const float *score = scores + n * g->count;
        const int32_t first = used;
        int32_t at = ek_nms_next(score, g->count, -1, least);
        while (at >= 0 && used - first < g->maximum) {
            const ek_box box = ek_box_read(own + 4 * at, g->center);
            int hidden = 0;
            for (int32_t k = first; k < used && !hidden; ++k) {
                const ek_box other = ek_box_read(own + 4 * (int32_t)y[3 * k + 2], g->center);
                hidden = ek_box_overlaps(&box, &other, limit);
            }
            if (!hidden) {
                y[3 * used] = n / g->classes;
                y[3 * used + 1] = n % g->classes;
                y[3 * used + 2] = at;
                ++used;
            }
            at = ek_nms_next(score, g->count, at, least);
        }
    }
    for (int32_t i = 3 * used; i < 3 * g->rows; ++i) {
        y[i] = -1;
    }
}
