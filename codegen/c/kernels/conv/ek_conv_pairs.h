/* A convolution in passes over tiles of four pixels: what the generator prepares for it. */
#ifndef EK_CONV_PAIRS_H
#define EK_CONV_PAIRS_H

#include "ek_common.h"

#define EK_CONV_PAIRS_SHIFT 2 /* of scaled sums; 8 more where they are 256 times */
#define EK_CONV_PAIRS_TILE 68 /* bytes of variables below the assembly's tile */

/* A run of consecutive input bytes that a window reads. */
typedef struct {
    int32_t offset; /* from the window's first byte */
    int16_t dy, dx; /* from the window's first position */
} ek_tap;

/* Some taps of a window times some pairs of filters. */
typedef struct {
    int32_t first; /* filter */
    int32_t bytes; /* of weights and constants */
    int32_t entry; /* for the assembly: where the multiplications begin */
    int32_t head;  /* sums begin with 0: their start, 1: what the pass before left */
    int32_t tail;  /* what becomes of sums, see ek_pairs.h */
    int32_t tile;  /* bytes of the tile */
    int32_t tap;   /* bytes of taps before its first */
    int32_t taps;  /* 0: those of the pass before */
} ek_pass;

typedef struct {
    const int32_t *weights; /* pairs in the order of the passes, each with its constants */
    const ek_tap *taps;
    const ek_pass *passes;
    int32_t pass_count;
    int32_t in_h, in_w, in_c;
    int32_t out_w, pixels, out_c;
    int32_t stride_h, stride_w, pad_top, pad_left;
    int32_t origin, row_step, col_step;     /* bytes: of window (0, 0), to its neighbours */
    int32_t fast_y, fast_h, fast_x, fast_w; /* where tiles lie inside the input, in one row */
    int32_t run, columns;                   /* bytes of a tap, positions that it covers */
    int32_t steps, back;                    /* words of a tap; bytes that one more repeats */
    int32_t merged;         /* the last bytes of all taps make one more step */
    int32_t within, staged; /* columns where a tap is read in place; others are copied, or padding */
    int32_t shared;         /* a tap is three positions, word by word */
    int32_t fill;           /* the input's zero point, four times */
    int32_t tile_bytes, pad_bytes, edge_bytes, frame_bytes;
    int32_t add, subtract; /* clamp: saturating to the highest, then back */
    int32_t zero;          /* twice the output's zero point, plus one */
    int32_t single;        /* for the assembly: whether one last pixel is computed alone */
    int32_t first_y, first_x, first_left; /* the tile to begin with: its place, pixels from there */
    int32_t tiles, first_out, pixel_step; /* how many, output of the first, 4 or backward -4 */
    int32_t repeats;       /* for the assembly: whether there is one pass, which it keeps prepared */
} ek_conv_pairs;

#endif
