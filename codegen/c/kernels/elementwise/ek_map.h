/* Loops over elements: y = expression in x (and in a, b, c of broadcasting operands).
 *
 * The expression is written out by the emitter, so that one macro serves every function and every
 * element type. Operands of EK_MAP_ND repeat along axes whose step is 0.
 */
#ifndef EK_MAP_H
#define EK_MAP_H

#include "ek_common.h"

#define EK_AXES 6

/* Sizes of the result and the steps of up to three operands, in elements. */
typedef struct {
    int32_t size[EK_AXES];
    int32_t step[3][EK_AXES];
} ek_nd;

/* Where an operand's row starts: the last axis is walked by the caller. */
EK_INLINE int32_t ek_nd_offset(const ek_nd *g, const int32_t at[EK_AXES], int operand)
{
    int32_t offset = 0;
    for (int i = 0; i < EK_AXES - 1; ++i) {
        offset += at[i] * g->step[operand][i];
    }
    return offset;
}

/* The next row; 0 after the last. */
EK_INLINE int ek_nd_next(const ek_nd *g, int32_t at[EK_AXES])
{
    for (int i = EK_AXES - 2; i >= 0; --i) {
        if (++at[i] < g->size[i]) {
            return 1;
        }
        at[i] = 0;
    }
    return 0;
}

#define EK_MAP(TX, TY, count, px, py, expression)       \
    do {                                                \
        const TX *ek_x = (px);                          \
        TY *ek_y = (TY *)ek_own(py);                    \
        for (int32_t ek_i = 0; ek_i < (count); ++ek_i) { \
            const TX x = ek_x[ek_i];                    \
            ek_y[ek_i] = (TY)(expression);              \
        }                                               \
    } while (0)

#define EK_MAP2(TA, TB, TY, g, pa, pb, py, expression)                  \
    do {                                                                \
        int32_t ek_at[EK_AXES] = {0};                                   \
        TY *ek_y = (TY *)ek_own(py);                                    \
        do {                                                            \
            const TA *ek_a = (pa) + ek_nd_offset((g), ek_at, 0);        \
            const TB *ek_b = (pb) + ek_nd_offset((g), ek_at, 1);        \
            for (int32_t ek_i = 0; ek_i < (g)->size[EK_AXES - 1]; ++ek_i) { \
                const TA a = *ek_a;                                     \
                const TB b = *ek_b;                                     \
                *ek_y++ = (TY)(expression);                             \
                ek_a += (g)->step[0][EK_AXES - 1];                      \
                ek_b += (g)->step[1][EK_AXES - 1];                      \
            }                                                           \
        } while (ek_nd_next((g), ek_at));                               \
    } while (0)

#define EK_MAP3(TA, TB, TC, TY, g, pa, pb, pc, py, expression)          \
    do {                                                                \
        int32_t ek_at[EK_AXES] = {0};                                   \
        TY *ek_y = (TY *)ek_own(py);                                    \
        do {                                                            \
            const TA *ek_a = (pa) + ek_nd_offset((g), ek_at, 0);        \
            const TB *ek_b = (pb) + ek_nd_offset((g), ek_at, 1);        \
            const TC *ek_c = (pc) + ek_nd_offset((g), ek_at, 2);        \
            for (int32_t ek_i = 0; ek_i < (g)->size[EK_AXES - 1]; ++ek_i) { \
                const TA a = *ek_a;                                     \
                const TB b = *ek_b;                                     \
                const TC c = *ek_c;                                     \
                *ek_y++ = (TY)(expression);                             \
                ek_a += (g)->step[0][EK_AXES - 1];                      \
                ek_b += (g)->step[1][EK_AXES - 1];                      \
                ek_c += (g)->step[2][EK_AXES - 1];                      \
            }                                                           \
        } while (ek_nd_next((g), ek_at));                               \
    } while (0)

#endif
