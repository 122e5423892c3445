/* An image of bytes to a float32 NHWC tensor: resize, recolour, look up (`table`: 256 entries). */
#include "ek_image.h"

EK_KERNEL void ek_image_f32(const ek_image *s, const float *table, const uint8_t *raw, float *out)
{
    for (int32_t y = 0; y < s->out_h; ++y) {
        for (int32_t x = 0; x < s->out_w; ++x) {
            for (int32_t c = 0; c < s->out_c; ++c) {
                const int32_t byte = ek_image_byte(s, raw, s->rows[y], s->columns[x], c);
                *out++ = table[c * s->table_step + byte];
            }
        }
    }
}
