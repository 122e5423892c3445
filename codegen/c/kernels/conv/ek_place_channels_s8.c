/* Put channels that were computed apart (`count` for each pixel) in their places. */
#include "ek_others.h"

EK_KERNEL void ek_place_channels_s8(const ek_others *o, const int8_t *from, int8_t *y)
{
    for (int32_t p = o->window->out_h * o->window->out_w; p > 0; --p) {
        for (int32_t i = 0; i < o->count; ++i) {
            y[o->channels[i]] = *from++;
        }
        y += o->window->out_c;
    }
}
