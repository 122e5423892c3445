/* Four columns of a matrix in words for dual multiplications: the readable equal of the Armv7E-M
 * function. */
#include "ek_panel_words.h"

EK_KERNEL void ek_panel_fill_s8(const ek_panel_source *s, const int8_t *b, int32_t *panel,
                                int32_t *sums)
{
    const int32_t zero = -(int16_t)(s->zero & 0xffff);
    for (int32_t c = 0; c < EK_PANEL; ++c) {
        sums[c] = 0;
    }
    for (int32_t group = 0; group < s->groups; ++group) {
        ek_panel_words(b, b + 2 * s->columns, zero, panel, sums);
        ek_panel_words(b + s->columns, b + 3 * s->columns, zero, panel + EK_PANEL, sums);
        b += 4 * s->columns;
        panel += 2 * EK_PANEL;
    }
}
