/* Walk over positions that each hold a vector of indices into a tensor.
 *
 * Offsets into the tensor and rows are in units of the user (bytes or elements), indices are int32
 * or int64 (`wide`). A negative index counts from the end of its axis; one outside is bounded, so
 * that no index leads outside the tensor.
 */
#ifndef EK_INDEXED_H
#define EK_INDEXED_H

#include "ek_common.h"

#define EK_INDEX_AXES 6

typedef struct {
    int32_t size[EK_INDEX_AXES];      /* positions */
    int32_t step[EK_INDEX_AXES];      /* of the tensor, from one position to the next */
    int32_t walk[EK_INDEX_AXES];      /* of the indices, in elements */
    int32_t depth;                    /* indices at a position */
    int32_t limit[EK_INDEX_AXES];     /* elements of the axis that each of them chooses from */
    int32_t stride[EK_INDEX_AXES];    /* of the tensor, from one index to the next */
    int32_t row;                      /* what lies at each place */
} ek_indexed;

EK_INLINE int32_t ek_index(const void *indices, int32_t wide, int32_t at, int32_t limit)
{
    int64_t index = wide ? ((const int64_t *)indices)[at] : ((const int32_t *)indices)[at];
    if (index < 0) {
        index += limit;
    }
    if (index < 0) {
        return 0;
    }
    return index < limit ? (int32_t)index : limit - 1;
}

/* Where the row of a position lies. */
EK_INLINE int32_t ek_indexed_place(const ek_indexed *g, const int32_t at[EK_INDEX_AXES],
                                   const void *indices, int32_t wide)
{
    int32_t place = 0;
    int32_t first = 0;
    for (int32_t i = 0; i < EK_INDEX_AXES; ++i) {
        place += at[i] * g->step[i];
        first += at[i] * g->walk[i];
    }
    for (int32_t k = 0; k < g->depth; ++k) {
        place += ek_index(indices, wide, first + k, g->limit[k]) * g->stride[k];
    }
    return place;
}

/* The next position; 0 after the last. */
EK_INLINE int ek_indexed_next(const ek_indexed *g, int32_t at[EK_INDEX_AXES])
{
    for (int32_t i = EK_INDEX_AXES - 1; i >= 0; --i) {
        if (++at[i] < g->size[i]) {
            return 1;
        }
        at[i] = 0;
    }
    return 0;
}

/* Updates of type T, one row a position, meet the elements `old` of y as `update`. */
#define EK_SCATTER(T, g, indices, wide, pu, py, expression)                              \
    do {                                                                                 \
        int32_t ek_at[EK_INDEX_AXES] = {0};                                              \
        const T *ek_u = (pu);                                                            \
        T *ek_out = (T *)ek_own(py);                                                     \
        do {                                                                             \
            T *ek_y = ek_out + ek_indexed_place((g), ek_at, (indices), (wide));          \
            for (int32_t ek_i = 0; ek_i < (g)->row; ++ek_i) {                            \
                const T update = *ek_u++;                                                \
                const T old = ek_y[ek_i];                                                \
                ek_y[ek_i] = (T)(expression);                                            \
            }                                                                            \
        } while (ek_indexed_next((g), ek_at));                                           \
    } while (0)

#endif
