/* Integer features to float32. */
#include "ek_common.h"

EK_KERNEL void ek_features_f32(int32_t size, float scale, const int32_t *features, float *out)
{
    for (int32_t i = 0; i < size; ++i) {
        out[i] = (float)features[i] * scale;
    }
}
