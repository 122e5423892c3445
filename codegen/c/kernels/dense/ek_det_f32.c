/* float32 determinants of n x n matrices, by elimination with the largest pivot of each column. */
#include "ek_common.h"

/* Swap the row with the largest element of column k into place; 1 where rows changed places. */
EK_INLINE int ek_det_f32_pivot(float *m, int32_t n, int32_t k)
{
    int32_t best = k;
    for (int32_t row = k + 1; row < n; ++row) {
        const float a = m[row * n + k];
        const float b = m[best * n + k];
        if ((a < 0.0f ? -a : a) > (b < 0.0f ? -b : b)) {
            best = row;
        }
    }
    for (int32_t c = 0; c < n; ++c) {
        const float kept = m[k * n + c];
        m[k * n + c] = m[best * n + c];
        m[best * n + c] = kept;
    }
    return best != k;
}

EK_KERNEL void ek_det_f32(int32_t count, int32_t n, const float *x, float *y, float *scratch)
{
    for (int32_t i = 0; i < count; ++i) {
        float product = 1.0f;
        ek_copy_bytes(x + i * n * n, scratch, (size_t)(n * n) * sizeof(float));
        for (int32_t k = 0; k < n; ++k) {
            if (ek_det_f32_pivot(scratch, n, k)) {
                product = -product;
            }
            const float pivot = scratch[k * n + k];
            product *= pivot;
            for (int32_t row = k + 1; row < n && pivot != 0.0f; ++row) {
                const float factor = scratch[row * n + k] / pivot;
                for (int32_t c = k; c < n; ++c) {
                    scratch[row * n + c] -= factor * scratch[k * n + c];
                }
            }
        }
        y[i] = product;
    }
}
