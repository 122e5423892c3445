/* One input of a concatenation: `outer` pieces of `piece` bytes, `stride` bytes apart in y. */
#include "ek_common.h"

EK_KERNEL void ek_concat(int32_t outer, int32_t piece, int32_t stride, const void *x, void *y)
{
    const unsigned char *src = (const unsigned char *)x;
    unsigned char *dst = (unsigned char *)y;
    for (int32_t i = 0; i < outer; ++i) {
        ek_copy_bytes(src, dst, (size_t)piece);
        src += piece;
        dst += stride;
    }
}
