/* A strided copy: y takes rows of `row` bytes from x, up to six axes of them. `step[i]` is the
 * distance in bytes between neighbours in x along axis i of y: of another axis (transpose),
 * several elements (slice), backwards (flip), or 0 (broadcast). */
#include "ek_common.h"

EK_KERNEL void ek_move(const int32_t size[6], const int32_t step[6], int32_t row, const void *x,
                       void *y)
{
    const unsigned char *src = (const unsigned char *)x;
    unsigned char *dst = (unsigned char *)y;
    int32_t at[6] = {0, 0, 0, 0, 0, 0};
    int32_t total = 1;
    for (int32_t i = 0; i < 6; ++i) {
        total *= size[i];
    }
    for (int32_t n = 0; n < total; ++n) {
        int32_t from = 0;
        for (int32_t i = 0; i < 6; ++i) {
            from += at[i] * step[i];
        }
        ek_copy_bytes(src + from, dst, (size_t)row);
        dst += row;
        for (int32_t i = 5; i >= 0; --i) {
            if (++at[i] < size[i]) {
                break;
            }
            at[i] = 0;
        }
    }
}
