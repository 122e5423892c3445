/* float32 pool over up to three spatial axes: the mean (p = 0) or the p-norm of the elements inside
 * the input. */
#include "ek_common.h"
#include "ek_pow_f32.h"
#include "ek_sqrt_f32.h"
#include "ek_volume.h"

EK_INLINE float ek_pool_nd_f32_term(float x, int32_t p)
{
    const float size = x < 0.0f ? -x : x;
    float power = size;
    if (p == 0) {
        return x;
    }
    for (int32_t i = 1; i < p; ++i) {
        power *= size;
    }
    return power;
}

EK_INLINE float ek_pool_nd_f32_finish(float sum, int32_t p, int32_t count)
{
    switch (p) {
    case 0:
        return sum / (float)count;
    case 1:
        return sum;
    case 2:
        return ek_sqrtf(sum);
    default:
        return ek_powf(sum, 1.0f / (float)p);
    }
}

EK_KERNEL void ek_pool_nd_f32(const ek_volume *v, int32_t p, const float *x, float *y)
{
    const int32_t taps = ek_volume_count(v->kernel);
    const int32_t count = ek_volume_count(v->out);
    for (int32_t position = 0; position < count; ++position) {
        int32_t at[3];
        int32_t inside = 0;
        ek_volume_at(v->out, position, at);
        for (int32_t c = 0; c < v->in_c; ++c) {
            y[c * v->y_channel] = 0.0f;
        }
        for (int32_t tap = 0; tap < taps; ++tap) {
            const int32_t from = ek_volume_source(v, at, tap);
            if (from < 0) {
                continue;
            }
            ++inside;
            for (int32_t c = 0; c < v->in_c; ++c) {
                y[c * v->y_channel] +=
                    ek_pool_nd_f32_term(x[from * v->x_pos + c * v->x_channel], p);
            }
        }
        for (int32_t c = 0; c < v->in_c; ++c) {
            y[c * v->y_channel] = ek_pool_nd_f32_finish(y[c * v->y_channel], p, inside);
        }
        y += v->y_pos;
    }
}
