/* Rows of a matrix in words for dual multiplications. */
#ifndef EK_PANEL_WORDS_H
#define EK_PANEL_WORDS_H

#include "ek_matmul_panel.h"

/* Two rows of four columns, NULL for zeros; sums of columns move on. */
EK_INLINE void ek_panel_words(const int8_t *first, const int8_t *second, int32_t b_zero,
                              int32_t *words, int32_t sums[EK_PANEL])
{
    for (int32_t c = 0; c < EK_PANEL; ++c) {
        const int32_t low = first == NULL ? 0 : first[c] - b_zero;
        const int32_t high = second == NULL ? 0 : second[c] - b_zero;
        sums[c] += low + high;
        words[c] = (int32_t)(((uint32_t)low & 0xffffu) | (uint32_t)high << 16);
    }
}

#endif
