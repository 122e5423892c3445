/* One result for every place of the kept axes, from all elements along the others.
 *
 * `kept` and `set` are the two groups of axes, their first step leads through x. The expressions
 * are written out by the emitter: `first` starts `acc` (of type TA) and may read the first element
 * `x`, `next` is its value after element `x`, `last` the result.
 */
#ifndef EK_REDUCE_H
#define EK_REDUCE_H

#include "ek_map.h"

#define EK_REDUCE(TX, TA, TY, kept, set, px, py, first, next, last)                         \
    do {                                                                                    \
        int32_t ek_at[EK_AXES] = {0};                                                       \
        TY *ek_y = (TY *)ek_own(py);                                                        \
        do {                                                                                \
            const TX *ek_x = (px) + ek_nd_offset((kept), ek_at, 0);                         \
            for (int32_t ek_i = 0; ek_i < (kept)->size[EK_AXES - 1]; ++ek_i) {              \
                int32_t ek_in[EK_AXES] = {0};                                               \
                TA acc;                                                                     \
                {                                                                           \
                    const TX x = *ek_x;                                                     \
                    (void)x;                                                                \
                    acc = (TA)(first);                                                      \
                }                                                                           \
                do {                                                                        \
                    const TX *ek_p = ek_x + ek_nd_offset((set), ek_in, 0);                  \
                    for (int32_t ek_j = 0; ek_j < (set)->size[EK_AXES - 1]; ++ek_j) {       \
                        const TX x = *ek_p;                                                 \
                        acc = (TA)(next);                                                   \
                        ek_p += (set)->step[0][EK_AXES - 1];                                \
                    }                                                                       \
                } while (ek_nd_next((set), ek_in));                                         \
                *ek_y++ = (TY)(last);                                                       \
                ek_x += (kept)->step[0][EK_AXES - 1];                                       \
            }                                                                               \
        } while (ek_nd_next((kept), ek_at));                                                \
    } while (0)

#endif
