/* The walk of a pool over the positions of one window that lie inside the input, NHWC: the same for all
 * channels of a pixel. */
#ifndef EK_WALK_H
#define EK_WALK_H

#include "ek_strip.h"

/* Steps are numbers of elements. */
typedef struct {
    int32_t rows, columns, row_step, step;
} ek_walk;

EK_INLINE ek_walk ek_walk_of(const ek_window *w, const ek_strip *s)
{
    const ek_walk walk = {s->ky1 - s->ky0, s->kx1 - s->kx0, w->dilation_h * w->in_w * w->in_c,
                          w->dilation_w * w->in_c};
    return walk;
}

#endif
