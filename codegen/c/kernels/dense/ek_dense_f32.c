/* float32 dense layer: rows x depth inputs.
 *
 * Eight outputs at a time share each input; every sum starts with its bias.
 *
 * quads    how many times four outputs are packed
 * weights  4 * quads outputs by fours, depth x 4, then each of the others, depth
 */
#include "ek_quad_f32.h"

/* One input against eight outputs. */
#define EK_DENSE_F32_TAP(i)                                               \
    do {                                                                  \
        s0 = ek_quad_scaled(s0, ek_quad_load(weights + 4 * (i)), x[i]); \
        s1 = ek_quad_scaled(s1, ek_quad_load(more + 4 * (i)), x[i]);    \
    } while (0)

EK_INLINE void ek_dense_f32_eight(int32_t depth, const float *x, const float *weights,
                                  ek_quad sums[2])
{
    ek_quad s0 = sums[0];
    ek_quad s1 = sums[1];
    const float *more = weights + 4 * depth;
    int32_t n = depth;
#if EK_UNROLL
    for (; n >= 4; n -= 4) {
        EK_DENSE_F32_TAP(0);
        EK_DENSE_F32_TAP(1);
        EK_DENSE_F32_TAP(2);
        EK_DENSE_F32_TAP(3);
        x += 4;
        weights += 16;
        more += 16;
    }
#endif
    for (; n > 0; --n) {
        EK_DENSE_F32_TAP(0);
        ++x;
        weights += 4;
        more += 4;
    }
    sums[0] = s0;
    sums[1] = s1;
}

EK_INLINE ek_quad ek_dense_f32_four(int32_t depth, const float *x, const float *weights,
                                    ek_quad sum)
{
    for (int32_t n = depth; n > 0; --n) {
        sum = ek_quad_scaled(sum, ek_quad_load(weights), *x++);
        weights += 4;
    }
    return sum;
}

EK_INLINE float ek_dense_f32_one(int32_t depth, const float *x, const float *weights, float sum)
{
    for (int32_t n = depth; n > 0; --n) {
        sum += *x++ * *weights++;
    }
    return sum;
}

EK_KERNEL void ek_dense_f32(int32_t rows, int32_t depth, int32_t outputs, int32_t quads, float low,
                            float high, const float *x, const float *weights, const float *bias,
                            float *y)
{
    for (int32_t row = 0; row < rows; ++row) {
        int32_t o = 0;
        for (; o + 8 <= 4 * quads; o += 8) {
            ek_quad sums[2] = {ek_quad_load(bias + o), ek_quad_load(bias + o + 4)};
            ek_dense_f32_eight(depth, x, weights + o * depth, sums);
            ek_quad_store(sums[0], low, high, y + o);
            ek_quad_store(sums[1], low, high, y + o + 4);
        }
        if (o < 4 * quads) {
            const ek_quad start = ek_quad_load(bias + o);
            ek_quad_store(ek_dense_f32_four(depth, x, weights + o * depth, start), low, high, y + o);
            o += 4;
        }
        for (; o < outputs; ++o) {
            const float sum = ek_dense_f32_one(depth, x, weights + o * depth, bias[o]);
            y[o] = ek_clamp_f32(sum, low, high);
        }
        x += depth;
        y += outputs;
    }
}
