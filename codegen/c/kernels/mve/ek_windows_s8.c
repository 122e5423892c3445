/* The windows of neighbouring pixels, each copied densely, from rows that include their padding. */
#include "ek_common.h"

typedef struct {
    int32_t pixels;
    int32_t row_bytes; /* from one row to the next */
    int32_t rows, run, pixel_step, window_bytes;
} ek_windows;

/* Between its rows * run bytes and the next window a window may hold anything. */
EK_KERNEL void ek_windows_s8(const ek_windows *a, const int8_t *x, int8_t *y)
{
    for (int32_t p = 0; p < a->pixels; ++p) {
        for (int32_t row = 0; row < a->rows; ++row) {
            for (int32_t i = 0; i < a->run; ++i) {
                y[row * a->run + i] = x[row * a->row_bytes + i];
            }
        }
        x += a->pixel_step;
        y += a->window_bytes;
    }
}
