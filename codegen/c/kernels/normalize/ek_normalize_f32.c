/* float32 normalisation of rows of `depth`.
 *
 * kind     0: (x - mean) / sqrt(variance + epsilon)   1: x / sqrt(mean(x x) + epsilon)
 *          2, 3: x by its l1, l2 norm, or by epsilon where that is larger
 * scale, bias      depth elements, or NULL
 * mean, variance   receive one number a row (kind 0), or are NULL
 */
#include "ek_common.h"
#include "ek_sqrt_f32.h"

/* The mean of a row. */
EK_INLINE float ek_normalize_f32_mean(const float *x, int32_t depth)
{
    float sum = 0.0f;
    for (int32_t i = 0; i < depth; ++i) {
        sum += x[i];
    }
    return sum / (float)depth;
}

/* The sum of squares (absolute values for kind 2) of what lies around `center`. */
EK_INLINE float ek_normalize_f32_size(const float *x, int32_t depth, int kind, float center)
{
    float sum = 0.0f;
    for (int32_t i = 0; i < depth; ++i) {
        const float d = x[i] - center;
        sum += kind != 2 ? d * d : (d < 0.0f ? -d : d);
    }
    return sum;
}

/* What a row is divided by. */
EK_INLINE float ek_normalize_f32_divisor(float size, int32_t depth, int kind, float epsilon)
{
    if (kind < 2) {
        return ek_sqrtf(size / (float)depth + epsilon);
    }
    const float norm = kind == 2 ? size : ek_sqrtf(size);
    const float larger = norm > epsilon ? norm : epsilon;
    return larger > 0.0f ? larger : 1.0f;
}

EK_KERNEL void ek_normalize_f32(int kind, int32_t rows, int32_t depth, float epsilon,
                                const float *x, const float *scale, const float *bias, float *y,
                                float *mean, float *variance)
{
    for (int32_t row = 0; row < rows; ++row) {
        const float center = kind == 0 ? ek_normalize_f32_mean(x, depth) : 0.0f;
        const float size = ek_normalize_f32_size(x, depth, kind, center);
        const float factor = 1.0f / ek_normalize_f32_divisor(size, depth, kind, epsilon);
        if (mean != NULL && variance != NULL) {
            mean[row] = center;
            variance[row] = size / (float)depth;
        }
        for (int32_t i = 0; i < depth; ++i) {
            const float unit = (x[i] - center) * factor;
            const float scaled = scale != NULL ? unit * scale[i] : unit;
            y[i] = bias != NULL ? scaled + bias[i] : scaled;
        }
        x += depth;
        y += depth;
    }
}
