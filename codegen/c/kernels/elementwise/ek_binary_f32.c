/* float32 addition, subtraction and multiplication with broadcasting. */
#include "ek_broadcast.h"

#define EK_ADD 0
#define EK_SUB 1
#define EK_MUL 2

EK_INLINE float ek_binary_f32_one(float a, float b, int operation)
{
    if (operation == EK_ADD) {
        return a + b;
    }
    return operation == EK_SUB ? a - b : a * b;
}

EK_KERNEL void ek_binary_f32(const ek_broadcast *g, float low, float high, const float *a,
                             const float *b, float *y, int operation)
{
    for (int32_t i = 0; i < g->size[0]; ++i) {
        for (int32_t j = 0; j < g->size[1]; ++j) {
            for (int32_t k = 0; k < g->size[2]; ++k) {
                const float *pa = a + i * g->a_step[0] + j * g->a_step[1] + k * g->a_step[2];
                const float *pb = b + i * g->b_step[0] + j * g->b_step[1] + k * g->b_step[2];
                for (int32_t l = 0; l < g->size[3]; ++l) {
                    *y++ = ek_clamp_f32(ek_binary_f32_one(*pa, *pb, operation), low, high);
                    pa += g->a_step[3];
                    pb += g->b_step[3];
                }
            }
        }
    }
}
