/* y takes the row of x that each position points at; steps, strides and row are in bytes. */
#include "ek_indexed.h"

EK_KERNEL void ek_gather(const ek_indexed *g, const void *indices, int32_t wide, const void *x,
                         void *y)
{
    const unsigned char *src = (const unsigned char *)x;
    unsigned char *dst = (unsigned char *)y;
    int32_t at[EK_INDEX_AXES] = {0, 0, 0, 0, 0, 0};
    do {
        ek_copy_bytes(src + ek_indexed_place(g, at, indices, wide), dst, (size_t)g->row);
        dst += g->row;
    } while (ek_indexed_next(g, at));
}
