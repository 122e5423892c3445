/* Lists of the weights of one filter that are not zero (codegen/assembly/listed.py): how many items
 * are left out of the first group of 16, how many groups follow it; weight and place of each. */
#ifndef EK_LIST_H
#define EK_LIST_H

#include "ek_common.h"

#define EK_LIST_GROUP 16
#define EK_LIST_HEAD 2

EK_INLINE int32_t ek_list_count(const int8_t *list)
{
    return EK_LIST_GROUP * ((uint8_t)list[1] + 1) - list[0];
}

EK_INLINE int32_t ek_list_weight(const int8_t *list, int32_t item)
{
    return list[EK_LIST_HEAD + 2 * item];
}

EK_INLINE int32_t ek_list_place(const int8_t *list, int32_t item)
{
    return (uint8_t)list[EK_LIST_HEAD + 2 * item + 1];
}

/* The list after it. */
EK_INLINE const int8_t *ek_list_next(const int8_t *list)
{
    return list + EK_LIST_HEAD + 2 * ek_list_count(list);
}

/* Products of a filter's lists with as many pieces of a row; those of the next filter follow. */
EK_INLINE int32_t ek_list_sum(const int8_t **lists, int32_t pieces, int32_t piece, const int8_t *x)
{
    const int8_t *list = *lists;
    int32_t sum = 0;
    for (int32_t n = 0; n < pieces; ++n) {
        for (int32_t i = 0; i < ek_list_count(list); ++i) {
            sum += x[n * piece + ek_list_place(list, i)] * ek_list_weight(list, i);
        }
        list = ek_list_next(list);
    }
    *lists = list;
    return sum;
}

#endif
