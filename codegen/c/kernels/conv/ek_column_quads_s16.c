/* Four columns of int16 taps to four filters at a time: the readable equal of the RV32 functions. A tap of
 * the four columns is followed by the next one; weights of a tap lie side by side, byte by byte. Sums of 32
 * bits suffice, which is checked when a layer is emitted. */
#include "ek_columns_s16.h"

/* Sums of one filter. */
EK_INLINE void ek_column_quads_multiply(const ek_columns *a, const int8_t *weights,
                                        const int16_t *x, int32_t sums[EK_COLUMNS])
{
    for (int32_t tap = 0; tap < 8 * a->groups; ++tap) {
        for (int32_t p = 0; p < EK_COLUMNS; ++p) {
            sums[p] += weights[4 * tap] * x[EK_COLUMNS * tap + p];
        }
    }
}

EK_KERNEL void ek_column_quads_s16(const ek_columns *a, const int16_t *x, int16_t *y)
{
    const int32_t n[EK_COLUMNS] = {0, a->n1, a->n2, a->n3};
    const int32_t *from = a->from;
    int32_t *to = a->to;
    for (const int32_t *w = a->weights; w < a->end; y += 4) {
        const int32_t *starts = w;
        w += from == NULL ? 4 : 0;
        const int32_t *scales = w + 8 * a->groups;
        for (int32_t f = 0; f < 4; ++f) {
            int32_t sums[EK_COLUMNS];
            for (int32_t p = 0; p < EK_COLUMNS; ++p) {
                sums[p] = from == NULL ? starts[f] : *from++;
            }
            ek_column_quads_multiply(a, (const int8_t *)w + f, x, sums);
            for (int32_t p = 0; p < EK_COLUMNS; ++p) {
                if (to != NULL) {
                    *to++ = sums[p];
                } else {
                    y[n[p] + f] = ek_narrow_s16(sums[p], scales[f], a->low);
                }
            }
        }
        w = scales + (to == NULL ? 4 : 0);
    }
}
