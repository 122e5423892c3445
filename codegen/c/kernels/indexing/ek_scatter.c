/* Rows of updates replace those of y that the positions point at; all sizes are in bytes. */
#include "ek_indexed.h"

EK_KERNEL void ek_scatter(const ek_indexed *g, const void *indices, int32_t wide,
                          const void *updates, void *y)
{
    const unsigned char *src = (const unsigned char *)updates;
    unsigned char *dst = (unsigned char *)y;
    int32_t at[EK_INDEX_AXES] = {0, 0, 0, 0, 0, 0};
    do {
        ek_copy_bytes(src, dst + ek_indexed_place(g, at, indices, wide), (size_t)g->row);
        src += g->row;
    } while (ek_indexed_next(g, at));
}
