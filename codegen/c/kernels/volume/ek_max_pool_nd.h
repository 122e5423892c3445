/* Maximum over a window of up to three spatial axes, for any element type.
 *
 * Where `pi` is not null it receives the index of each maximum (the first of equal ones) in the
 * flattened tensor, counted from `first` for channel 0; with `column_major` the first spatial axis
 * counts fastest. */
#ifndef EK_MAX_POOL_ND_H
#define EK_MAX_POOL_ND_H

#include "ek_volume.h"

EK_INLINE int32_t ek_max_pool_nd_index(const ek_volume *v, int column_major, int32_t position)
{
    int32_t at[3];
    if (!column_major) {
        return position;
    }
    ek_volume_at(v->in, position, at);
    return (at[2] * v->in[1] + at[1]) * v->in[0] + at[0];
}

#define EK_MAX_POOL_ND(T, v, column_major, first, px, py, pi)                                      \
    do {                                                                                           \
        const T *ek_x = (px);                                                                      \
        T *ek_y = (py);                                                                            \
        int64_t *ek_i = (pi);                                                                      \
        const int32_t ek_taps = ek_volume_count((v)->kernel);                                      \
        for (int32_t ek_p = 0; ek_p < ek_volume_count((v)->out); ++ek_p) {                         \
            int32_t ek_at[3];                                                                      \
            ek_volume_at((v)->out, ek_p, ek_at);                                                   \
            for (int32_t ek_c = 0; ek_c < (v)->in_c; ++ek_c) {                                     \
                int32_t ek_best = -1;                                                              \
                for (int32_t ek_tap = 0; ek_tap < ek_taps; ++ek_tap) {                             \
                    const int32_t ek_s = ek_volume_source((v), ek_at, ek_tap);                     \
                    const T *ek_plane = ek_x + ek_c * (v)->x_channel;                              \
                    if (ek_s >= 0 && (ek_best < 0 || ek_plane[ek_s * (v)->x_pos] >                 \
                                                         ek_plane[ek_best * (v)->x_pos])) {        \
                        ek_best = ek_s;                                                            \
                    }                                                                              \
                }                                                                                  \
                ek_y[ek_p * (v)->y_pos + ek_c * (v)->y_channel] =                                  \
                    ek_x[ek_c * (v)->x_channel + ek_best * (v)->x_pos];                            \
                if (ek_i != NULL) {                                                                \
                    ek_i[ek_p * (v)->y_pos + ek_c * (v)->y_channel] =                              \
                        (first) + ek_c * (v)->x_channel +                                          \
                        ek_max_pool_nd_index((v), (column_major), ek_best);                        \
                }                                                                                  \
            }                                                                                      \
        }                                                                                          \
    } while (0)

#endif
