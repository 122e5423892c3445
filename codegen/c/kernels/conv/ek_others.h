/* Filters that a faster kernel leaves out of an int8 convolution. */
#ifndef EK_OTHERS_H
#define EK_OTHERS_H

#include "ek_offset_window.h"

typedef struct {
    const ek_window *window;
    const ek_requant *requant; /* of these filters alone, as weights and bias */
    const int16_t *channels;   /* which ones */
    const int8_t *weights;
    const int32_t *bias;       /* the input's zero point folded in for ek_depthwise_channels_s8 */
    int32_t count;
    int32_t x_zero, w_zero;
} ek_others;

#endif
