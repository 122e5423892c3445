/* Cells and outputs of some units from the sums of their gates: the readable equal of the Armv8.1-M
 * function. */
#include "ek_lstm_units.h"

EK_KERNEL void ek_lstm_units_s8(const ek_lstm_units *a, const ek_lstm_part *part)
{
    ek_lstm_move_double(a->shape, part->sums, part->again, part->count, part->c, part->y);
}
