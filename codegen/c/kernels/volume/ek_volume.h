/* A window over up to three spatial axes of a tensor, channels first or last.
 *
 * Positions count the spatial axes row by row; an element lies at position * pos + channel *
 * channel of its tensor's steps. */
#ifndef EK_VOLUME_H
#define EK_VOLUME_H

#include "ek_common.h"

typedef struct {
    int32_t in[3], out[3], kernel[3];
    int32_t stride[3], pad[3], dilation[3];
    int32_t in_c, out_c, groups;
    int32_t x_pos, x_channel; /* steps of the input in elements */
    int32_t y_pos, y_channel; /* steps of the output */
} ek_volume;

EK_INLINE int32_t ek_volume_count(const int32_t size[3])
{
    return size[0] * size[1] * size[2];
}

/* Coordinates of a position. */
EK_INLINE void ek_volume_at(const int32_t size[3], int32_t position, int32_t at[3])
{
    at[2] = position % size[2];
    position /= size[2];
    at[1] = position % size[1];
    at[0] = position / size[1];
}

/* The input position that a tap of the window at output coordinates `at` meets, -1 outside. */
EK_INLINE int32_t ek_volume_source(const ek_volume *v, const int32_t at[3], int32_t tap)
{
    int32_t k[3];
    int32_t position = 0;
    ek_volume_at(v->kernel, tap, k);
    for (int i = 0; i < 3; ++i) {
        const int32_t p = at[i] * v->stride[i] - v->pad[i] + k[i] * v->dilation[i];
        if (p < 0 || p >= v->in[i]) {
            return -1;
        }
        position = position * v->in[i] + p;
    }
    return position;
}

/* The same for a transposed convolution: the input position whose tap lands on `at`. */
EK_INLINE int32_t ek_volume_origin(const ek_volume *v, const int32_t at[3], int32_t tap)
{
    int32_t k[3];
    int32_t position = 0;
    ek_volume_at(v->kernel, tap, k);
    for (int i = 0; i < 3; ++i) {
        const int32_t reach = at[i] + v->pad[i] - k[i] * v->dilation[i];
        const int32_t p = reach / v->stride[i];
        if (reach < 0 || p * v->stride[i] != reach || p >= v->in[i]) {
            return -1;
        }
        position = position * v->in[i] + p;
    }
    return position;
}

#endif
