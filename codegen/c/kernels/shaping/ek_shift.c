/* A copy of `count` bytes to a place that may share bytes with the old one: in blocks no longer
 * than the distance, from the end that is not overwritten first. */
#include "ek_common.h"

EK_KERNEL void ek_shift(int32_t count, const void *x, void *y)
{
    const unsigned char *src = (const unsigned char *)x;
    unsigned char *dst = (unsigned char *)y;
    size_t left = (size_t)count;
    if (dst < src) {
        const size_t apart = (size_t)(src - dst);
        while (left > 0) {
            const size_t block = left < apart ? left : apart;
            ek_copy_bytes(src, dst, block);
            src += block;
            dst += block;
            left -= block;
        }
    } else if (dst > src) {
        const size_t apart = (size_t)(dst - src);
        while (left > 0) {
            const size_t block = left < apart ? left : apart;
            left -= block;
            ek_copy_bytes(src + left, dst + left, block);
        }
    }
}
