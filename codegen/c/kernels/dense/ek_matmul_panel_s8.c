/* All rows of a matrix times four columns of another: the readable equal of the Armv7E-M functions. */
#include "ek_matmul_panel.h"

EK_INLINE void ek_matmul_panel_multiply(const int8_t *a, const int32_t *panel,
                                        uint32_t sums[EK_PANEL])
{
    for (int32_t i = 0; i < 2; ++i) {
        for (int32_t c = 0; c < EK_PANEL; ++c) {
            const int32_t word = panel[EK_PANEL * i + c];
            sums[c] += (uint32_t)(a[i] * (int16_t)(word & 0xffff) + a[i + 2] * (word >> 16));
        }
    }
}

EK_KERNEL void ek_matmul_panel_s8(const ek_matmul_panel *p, const int8_t *a, int8_t *y)
{
    for (int32_t row = 0; row < p->rows; ++row, y += p->columns) {
        const int32_t *panel = p->panel;
        uint32_t sums[EK_PANEL];
        for (int32_t c = 0; c < EK_PANEL; ++c) {
            sums[c] = (uint32_t)p->start[c];
        }
        for (int32_t k = 0; k < p->bytes; k += 4, a += 4, panel += 2 * EK_PANEL) {
            ek_matmul_panel_multiply(a, panel, sums);
        }
        if (p->back != 0) {
            ek_matmul_panel_multiply(a - p->back, panel, sums);
            a += 4 - p->back;
        }
        for (int32_t c = 0; c < EK_PANEL; ++c) {
            y[c] = ek_pairs_scale(p->tail, 0, p->constants, (int32_t)sums[c], p->shift, p->zero,
                                  p->add, p->subtract);
        }
    }
}
