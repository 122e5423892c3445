/* One row of a dense layer of int16 activations, four filters at a time: the readable equal of the
 * Armv7E-M functions. Sums of 32 bits suffice, which is checked when a layer is emitted. */
#include "ek_narrow.h"

typedef struct {
    /* Four filters at a time: what their sums start with, a word of each for four inputs, again and
     * again, their scales times 2^32. Bytes of a word are inputs 0, 2, 1, 3. */
    const int32_t *weights;
    const int32_t *end;
    int32_t whole_bytes; /* of the inputs in whole groups of four; the last ones come once more, with */
    int32_t row_bytes;   /* those before them times zero, where that is less than the row */
    int32_t entry;       /* for the assembly: where a sum begins */
    int32_t low;         /* of the outputs: -32768 or 0 */
} ek_dense_words;

EK_INLINE void ek_dense_words_group(const int16_t *x, const int32_t w[4], int32_t sums[4])
{
    for (int32_t i = 0; i < 16; ++i) {
        const int32_t tap = i % 4, byte = 2 * (tap & 1) + (tap >> 1);
        sums[i / 4] += x[tap] * (int8_t)(((uint32_t)w[i / 4] >> (8 * byte)) & 0xffu);
    }
}

EK_KERNEL void ek_dense_words_s16(const ek_dense_words *a, const int16_t *x, int16_t *y)
{
    const int32_t depth = a->row_bytes / 2;
    for (const int32_t *w = a->weights; w < a->end; w += 4) {
        int32_t sums[4] = {w[0], w[1], w[2], w[3]};
        w += 4;
        for (int32_t k = 0; k < a->whole_bytes / 2; k += 4, w += 4) {
            ek_dense_words_group(x + k, w, sums);
        }
        if (a->whole_bytes < a->row_bytes) {
            ek_dense_words_group(x + depth - 4, w, sums);
            w += 4;
        }
        for (int32_t f = 0; f < 4; ++f) {
            *y++ = ek_narrow_s16(sums[f], w[f], a->low);
        }
    }
}
