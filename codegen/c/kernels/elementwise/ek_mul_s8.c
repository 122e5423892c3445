/* int8 product of broadcasting operands with their own zero points, requantized. */
#include "ek_broadcast.h"
#include "ek_requant.h"

EK_INLINE void ek_mul_s8(const ek_broadcast *g, int32_t a_zero, int32_t b_zero, const ek_requant *q,
                         const int8_t *a, const int8_t *b, int8_t *y, int rule)
{
    const ek_requant r = *q; /* a copy: stores to y cannot change it */
    for (int32_t i = 0; i < g->size[0]; ++i) {
        for (int32_t j = 0; j < g->size[1]; ++j) {
            for (int32_t k = 0; k < g->size[2]; ++k) {
                const int8_t *pa = a + i * g->a_step[0] + j * g->a_step[1] + k * g->a_step[2];
                const int8_t *pb = b + i * g->b_step[0] + j * g->b_step[1] + k * g->b_step[2];
                for (int32_t l = 0; l < g->size[3]; ++l) {
                    *y++ = ek_requantize((*pa - a_zero) * (*pb - b_zero), &r, 0, rule);
                    pa += g->a_step[3];
                    pb += g->b_step[3];
                }
            }
        }
    }
}
