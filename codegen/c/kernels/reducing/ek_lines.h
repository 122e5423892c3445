/* Lines of `count` elements along one axis, `inner` apart: the position of an extreme element, the
 * k first in order, and running sums. */
#ifndef EK_LINES_H
#define EK_LINES_H

#include "ek_common.h"

/* `better` says whether element `x` takes the place of `best`. */
#define EK_ARG(TX, TY, outer, count, inner, px, py, better)                        \
    do {                                                                           \
        TY *ek_y = (TY *)ek_own(py);                                               \
        for (int32_t ek_o = 0; ek_o < (outer); ++ek_o) {                           \
            for (int32_t ek_i = 0; ek_i < (inner); ++ek_i) {                       \
                const TX *ek_p = (px) + ek_o * (count) * (inner) + ek_i;           \
                TX best = *ek_p;                                                   \
                int32_t ek_at = 0;                                                 \
                for (int32_t ek_n = 1; ek_n < (count); ++ek_n) {                   \
                    const TX x = ek_p[ek_n * (inner)];                             \
                    if (better) {                                                  \
                        best = x;                                                  \
                        ek_at = ek_n;                                              \
                    }                                                              \
                }                                                                  \
                *ek_y++ = ek_at;                                                   \
            }                                                                      \
        }                                                                          \
    } while (0)

/* Values and positions of the first k elements by `before(a, b)`; of equal ones the earlier leads.
 * Each round looks for the first element behind the one found last: no scratch, k * count steps. */
#define EK_LARGER(a, b) ((a) > (b))
#define EK_SMALLER(a, b) ((a) < (b))

#define EK_TOP_K(TX, TY, outer, count, inner, k, px, py, pat, before)                        \
    do {                                                                                     \
        TX *ek_y = (TX *)ek_own(py);                                                         \
        TY *ek_where = (TY *)ek_own(pat);                                                    \
        for (int32_t ek_o = 0; ek_o < (outer); ++ek_o) {                                     \
            for (int32_t ek_i = 0; ek_i < (inner); ++ek_i) {                                 \
                const TX *ek_p = (px) + ek_o * (count) * (inner) + ek_i;                     \
                const int32_t ek_to = ek_o * (k) * (inner) + ek_i;                           \
                int32_t ek_last = -1;                                                        \
                for (int32_t ek_j = 0; ek_j < (k); ++ek_j) {                                 \
                    int32_t ek_at = -1;                                                      \
                    for (int32_t ek_n = 0; ek_n < (count); ++ek_n) {                         \
                        const TX x = ek_p[ek_n * (inner)];                                   \
                        const TX ek_l = ek_p[(ek_last < 0 ? 0 : ek_last) * (inner)];         \
                        if (ek_last >= 0 && !before(ek_l, x)                                 \
                            && (before(x, ek_l) || ek_n <= ek_last)) {                       \
                            continue;                                                        \
                        }                                                                    \
                        if (ek_at < 0 || before(x, ek_p[ek_at * (inner)])) {                 \
                            ek_at = ek_n;                                                    \
                        }                                                                    \
                    }                                                                        \
                    ek_last = ek_at < 0 ? 0 : ek_at;                                         \
                    ek_y[ek_to + ek_j * (inner)] = ek_p[ek_last * (inner)];                  \
                    ek_where[ek_to + ek_j * (inner)] = (TY)ek_last;                             \
                }                                                                            \
            }                                                                                \
        }                                                                                    \
    } while (0)

/* `next` is the running value `acc` (of type TA) after element `x`. */
#define EK_CUMULATE(TX, TA, outer, count, inner, px, py, neutral, next, exclusive, reverse)  \
    do {                                                                                     \
        TX *ek_y = (TX *)ek_own(py);                                                         \
        for (int32_t ek_o = 0; ek_o < (outer); ++ek_o) {                                     \
            for (int32_t ek_i = 0; ek_i < (inner); ++ek_i) {                                 \
                TA acc = neutral;                                                            \
                for (int32_t ek_n = 0; ek_n < (count); ++ek_n) {                             \
                    const int32_t ek_line = (reverse) ? (count)-1 - ek_n : ek_n;             \
                    const int32_t ek_k = (ek_o * (count) + ek_line) * (inner) + ek_i;        \
                    const TX x = (px)[ek_k];                                                 \
                    const TA ek_before = acc;                                                \
                    acc = (TA)(next);                                                        \
                    ek_y[ek_k] = (TX)((exclusive) ? ek_before : acc);                        \
                }                                                                            \
            }                                                                                \
        }                                                                                    \
    } while (0)

#endif
