/* Snake activation: x + sin(alpha x)^2 / alpha. */
#include "ek_common.h"
#include "ek_sin_f32.h"

EK_KERNEL void ek_snake_f32(int32_t count, float alpha, const float *x, float *y)
{
    for (int32_t i = 0; i < count; ++i) {
        const float s = ek_sinf(alpha * x[i]);
        y[i] = x[i] + s * s / alpha;
    }
}
