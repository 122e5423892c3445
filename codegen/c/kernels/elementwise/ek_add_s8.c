/* int8 addition of operands with their own scales (TFLite's recipe): both are shifted left,
 * rescaled to twice the larger scale, added and requantized. */
#include "ek_broadcast.h"
#include "ek_requant.h"

typedef struct {
    int32_t zero_point;
    int32_t multiplier;
    int32_t shift;
} ek_operand;

EK_INLINE int32_t ek_add_s8_operand(int32_t x, const ek_operand *o, int32_t left_shift, int rule)
{
    const int32_t wide = (x - o->zero_point) * (int32_t)(UINT32_C(1) << left_shift);
    /* EK_RIGHT speaks of the output's shift; an operand's shift may be 0. */
    return rule == EK_DOUBLE || rule == EK_RIGHT
               ? ek_scale_double(wide, o->multiplier, o->shift)
               : ek_scale_single(wide, o->multiplier, o->shift);
}

EK_INLINE void ek_add_s8(const ek_broadcast *g, const ek_operand *first, const ek_operand *second,
                         int32_t left_shift, const ek_requant *q, const int8_t *a, const int8_t *b,
                         int8_t *y, int rule)
{
    const ek_requant r = *q; /* a copy: stores to y cannot change it */
    for (int32_t i = 0; i < g->size[0]; ++i) {
        for (int32_t j = 0; j < g->size[1]; ++j) {
            for (int32_t k = 0; k < g->size[2]; ++k) {
                const int8_t *pa = a + i * g->a_step[0] + j * g->a_step[1] + k * g->a_step[2];
                const int8_t *pb = b + i * g->b_step[0] + j * g->b_step[1] + k * g->b_step[2];
                for (int32_t l = 0; l < g->size[3]; ++l) {
                    const int32_t sum = ek_add_s8_operand(*pa, first, left_shift, rule) +
                                        ek_add_s8_operand(*pb, second, left_shift, rule);
                    *y++ = ek_requantize(sum, &r, 0, rule);
                    pa += g->a_step[3];
                    pb += g->b_step[3];
                }
            }
        }
    }
}
