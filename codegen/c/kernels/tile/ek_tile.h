/* Tiles of six output pixels: what convolution kernels for cores without byte products compute at
 * once. A kernel of type `ek_tile_kernel` takes some taps of six windows to some filters; the
 * portable one is ek_tile_s8.c, those of instruction sets stand in the model's assembly. */
#ifndef EK_TILE_H
#define EK_TILE_H

#include "ek_common.h"

#define EK_TILE_PIXELS 6
#define EK_TILE_TAPS 64 /* most taps at once */
#define EK_TILE_ROWS 16 /* most kernel rows at once */
#define EK_TILE_FILTERS 64 /* most filters whose sums wait for further taps */

#define EK_TILE_RESUME 1 /* sums of earlier taps come from `partial` */
#define EK_TILE_WAIT 2   /* sums go to `partial`: there are more taps */
#define EK_TILE_RESUME_WORDS 8 /* the same where no sum of all taps is too large for the words in */
#define EK_TILE_WAIT_WORDS 16  /* which assembly computes three: it keeps those as they are */
#define EK_TILE_BY_FILTER 4 /* weights come filter by filter, each with 128 added */
#define EK_TILE_LISTED 32 /* weights come filter by filter, as lists (ek_list.h) */

/* One call: assembly reads these words in this order. */
typedef struct {
    const int8_t *weights; /* of two filters in turn, tap by tap, pair by pair; or by filter. The
                              kernel leaves behind what it has read. */
    const int32_t *table;  /* ek_high_word of each filter */
    int32_t pairs;         /* pairs of filters */
    int32_t rows;          /* kernel rows */
    int32_t length;        /* bytes of each */
    int32_t taps;          /* rows * length */
    int32_t flags;
    int32_t offset;        /* 2 * zero point + 1, see ek_high_word */
    int32_t low, high;     /* clamp of the output */
} ek_tile;

/* x: for each kernel row the bytes of six windows. y: where the first filter of six pixels goes.
 * partial: twelve sums of each pair. */
typedef void (*ek_tile_kernel)(ek_tile *t, const int8_t *const *x, int8_t *const *y,
                               int32_t *partial);

#endif
