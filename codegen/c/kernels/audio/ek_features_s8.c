/* Integer features to int8: scaled, rounded half up, clamped. */
#include "ek_requant.h"

EK_KERNEL void ek_features_s8(int32_t size, int32_t multiplier, int32_t shift, int32_t zero_point,
                              const int32_t *features, int8_t *out)
{
    for (int32_t i = 0; i < size; ++i) {
        const int32_t scaled = ek_scale_single(features[i], multiplier, shift);
        out[i] = (int8_t)ek_clamp_i32(scaled + zero_point, -128, 127);
    }
}
