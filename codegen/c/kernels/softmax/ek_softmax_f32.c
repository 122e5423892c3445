/* float32 softmax of beta * x over rows of `depth`, with an exponential of its own so that the
 * result is the same on every target and nothing but C99 is needed. */
#include "ek_common.h"

/* exp(x) for x <= 0, relative error below 2e-7 where the result is a normal number, else 0.
 * Cody-Waite reduction to [-ln2/2, ln2/2] and a Taylor polynomial of degree 7. */
EK_INLINE float ek_exp_f32(float x)
{
    union {
        uint32_t bits;
        float value;
    } power;
    if (!(x >= -87.0f)) { /* NaN as well */
        return 0.0f;
    }
    const int32_t n = (int32_t)(x * 1.44269504f - 0.5f);
    const float r = (x - (float)n * 0.693359375f) - (float)n * -2.12194440e-4f;
    float p = 1.98412698e-4f;
    p = p * r + 1.38888889e-3f;
    p = p * r + 8.33333333e-3f;
    p = p * r + 4.16666667e-2f;
    p = p * r + 1.66666667e-1f;
    p = p * r + 0.5f;
    p = p * r + 1.0f;
    p = p * r + 1.0f;
    power.bits = (uint32_t)(n + 127) << 23;
    return p * power.value;
}

EK_KERNEL void ek_softmax_f32(int32_t rows, int32_t depth, float beta, const float *x, float *y)
{
    for (int32_t row = 0; row < rows; ++row) {
        float top = x[0];
        float sum = 0.0f;
        for (int32_t c = 1; c < depth; ++c) {
            top = x[c] > top ? x[c] : top;
        }
        for (int32_t c = 0; c < depth; ++c) {
            y[c] = ek_exp_f32(beta * (x[c] - top));
            sum += y[c];
        }
        for (int32_t c = 0; c < depth; ++c) {
            y[c] /= sum;
        }
        x += depth;
        y += depth;
    }
}
