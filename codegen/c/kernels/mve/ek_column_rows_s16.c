/* Four columns of int16 taps to some filters, two at a time: the readable equal of the Armv8.1-M
 * functions. Each column lies by itself; eight weights of one filter are followed by those of the other.
 * Sums of 32 bits suffice, which is checked when a layer is emitted. */
#include "ek_columns_s16.h"

EK_KERNEL void ek_column_rows_s16(const ek_columns *a, const int16_t *x, int16_t *y)
{
    const int32_t n[EK_COLUMNS] = {0, a->n1, a->n2, a->n3};
    const int32_t *from = a->from;
    int32_t *to = a->to;
    for (const int32_t *w = a->weights; w < a->end; y += 2) {
        int32_t sums[2][EK_COLUMNS];
        for (int32_t i = 0; i < 2 * EK_COLUMNS; ++i) {
            sums[i / EK_COLUMNS][i % EK_COLUMNS] = from == NULL ? w[i / EK_COLUMNS] : *from++;
        }
        w += from == NULL ? 2 : 0;
        for (int32_t group = 0; group < a->groups; ++group, w += 4) {
            const int8_t *weights = (const int8_t *)w;
            for (int32_t i = 0; i < 64; ++i) {
                const int32_t f = i / 32, p = i / 8 % 4, tap = i % 8;
                sums[f][p] += weights[8 * f + tap] * x[p * a->distance + 8 * group + tap];
            }
        }
        for (int32_t i = 0; i < 2 * EK_COLUMNS; ++i) {
            const int32_t f = i / EK_COLUMNS, p = i % EK_COLUMNS;
            if (to != NULL) {
                *to++ = sums[f][p];
            } else {
                y[n[p] + f] = ek_narrow_s16(sums[f][p], w[f], a->low);
            }
        }
        w += to == NULL ? 2 : 0;
    }
}
