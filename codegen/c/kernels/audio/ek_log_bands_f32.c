/* ln(x + offset) of each element, in place. Specified in quantize/processing/real.py. */
#include "ek_common.h"
#include "ek_log_f32.h"

EK_KERNEL void ek_log_bands_f32(int32_t size, float offset, float *x)
{
    for (int32_t i = 0; i < size; ++i) {
        x[i] = ek_logf(x[i] + offset);
    }
}
