/* Constant padding of a tensor with four axes: the output is filled, then rows are copied.
 * Sizes of the last axis and `item` are in bytes of one element. */
#include "ek_common.h"

EK_KERNEL void ek_pad(const int32_t in[4], const int32_t out[4], const int32_t before[4],
                      int32_t item, const void *fill, const void *x, void *y)
{
    const unsigned char *src = (const unsigned char *)x;
    unsigned char *dst = (unsigned char *)y;
    const int32_t total = out[0] * out[1] * out[2] * out[3];
    const size_t row = (size_t)(in[3] * item);
    for (int32_t i = 0; i < total; ++i) {
        ek_copy_bytes(fill, dst + i * item, (size_t)item);
    }
    for (int32_t i = 0; i < in[0]; ++i) {
        for (int32_t j = 0; j < in[1]; ++j) {
            for (int32_t k = 0; k < in[2]; ++k) {
                const int32_t line = ((i + before[0]) * out[1] + j + before[1]) * out[2] + k;
                const int32_t at = (line + before[2]) * out[3] + before[3];
                ek_copy_bytes(src, dst + at * item, row);
                src += row;
            }
        }
    }
}
