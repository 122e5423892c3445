/* Bands over the bins of a spectrum. */
#ifndef EK_BANDS_H
#define EK_BANDS_H

#include "ek_common.h"

typedef struct {
    int32_t bands;
    const int16_t *start, *count; /* bins of each band */
} ek_bands;

#endif
