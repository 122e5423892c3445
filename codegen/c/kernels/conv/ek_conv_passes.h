/* int8 convolution in passes over tiles of four pixels, two filters in one register: what the
 * readable equals of the Armv7E-M functions share.
 *
 * A pass holds, for each pair of filters: two words that the sums start with (where they start),
 * the weights, and the constants of the requantization (where the sums are complete). A halfword of
 * weights is a + 256 b; sums of a and of the halfword are kept, 256 times the sum of b is their
 * difference.
 */
#ifndef EK_CONV_PASSES_H
#define EK_CONV_PASSES_H

#include "ek_conv_pairs.h"
#include "ek_pairs.h"

#define EK_CONV_PAIRS_PIXELS 4
#define EK_CONV_PAIRS_WAITING 64 /* most pairs whose sums wait for the next pass */
#define EK_CONV_PAIRS_BYTES 128  /* most bytes of a pixel in a tile */

/* One byte of a tap, some positions further. */
EK_INLINE int8_t ek_conv_pairs_input(const ek_conv_pairs *a, const int8_t *x, int32_t pixel,
                                     const ek_tap *tap, int32_t further, int32_t byte)
{
    const int32_t oy = pixel / a->out_w;
    const int32_t ox = pixel - oy * a->out_w;
    const int32_t iy = oy * a->stride_h - a->pad_top + tap->dy;
    const int32_t ix = ox * a->stride_w - a->pad_left + tap->dx + further + byte / a->in_c;
    if (byte >= a->run || iy < 0 || iy >= a->in_h || ix < 0 || ix >= a->in_w) {
        return (int8_t)(a->fill & 0xff);
    }
    return x[a->origin + oy * a->row_step + ox * a->col_step + tap->offset + further * a->in_c +
             byte];
}

/* The taps of a pass for one pixel; the last word of a tap may repeat bytes. */
EK_INLINE void ek_conv_pairs_gather(const ek_conv_pairs *a, const int8_t *x, int32_t pixel,
                                    const ek_pass *p, int8_t *tile)
{
    const ek_tap *tap = a->taps + p->tap / (int32_t)sizeof(ek_tap);
    const int32_t words = a->steps + (a->back != 0 ? 1 : 0);
    for (int32_t t = 0; t < p->taps; ++t, ++tap) {
        for (int32_t i = 0; i < 4 * words; ++i) {
            const int32_t word = i / 4;
            const int32_t further = a->shared ? word % 3 : 0;
            int32_t byte = i < 4 * a->steps ? i : i - a->back;
            byte = a->shared ? word / 3 * 4 + i % 4 : byte;
            *tile++ = ek_conv_pairs_input(a, x, pixel, tap, further, byte);
        }
    }
    for (int32_t i = 0; a->merged && p->taps > 0 && i < 4; ++i) {
        /* Halfwords in the order of memory: inputs 0, 2, 1, 3. */
        const int32_t t = ((i & 1) << 1) | (i >> 1);
        tap = a->taps + (t < p->taps ? t : 0);
        *tile++ = ek_conv_pairs_input(a, x, pixel, tap, 0, a->run - 1);
    }
}

/* Add the products of one word of weights; words hold the inputs (0, 2) and (1, 3). */
EK_INLINE void ek_conv_pairs_word(const int8_t *tile, int32_t word, int32_t index,
                                  uint32_t sums[2])
{
    const int8_t *x = tile + 2 * (index & ~1) + (index & 1);
    ek_pairs_multiply(word, x[0], x[2], sums);
}

/* Add the products of one pixel and one pair; returns what follows its weights. */
EK_INLINE const int32_t *ek_conv_pairs_multiply(const int8_t *tile, const int32_t *w,
                                                int32_t words, uint32_t sums[2])
{
    for (int32_t i = 0; i < words; ++i) {
        ek_conv_pairs_word(tile, *w++, i, sums);
    }
    return w;
}

/* The same for a list: runs of steps (two words) or of halves (one), each with its place. */
EK_INLINE const int32_t *ek_conv_pairs_listed(const int8_t *tile, const int32_t *w, int32_t words,
                                              uint32_t sums[2])
{
    for (int32_t count = *w++ >> 16; count != 0; count = *w++ >> 16) {
        const int32_t whole = count > 0 ? 1 : 0;
        for (int32_t n = whole ? count : -count; n > 0; --n) {
            /* The assembly's tile begins with the last step; a word takes 16 bytes of it. */
            const int32_t place = (*w++ - EK_CONV_PAIRS_TILE) / 16;
            const int32_t index = words - 2 - (place & ~1) + (place & 1);
            ek_conv_pairs_word(tile, *w++, index, sums);
            if (whole) {
                ek_conv_pairs_word(tile, *w++, index + 1, sums);
            }
        }
    }
    return w;
}

EK_INLINE int8_t ek_conv_pairs_scale(const ek_conv_pairs *a, const ek_pass *p, int32_t upper,
                                     const int32_t *q, uint32_t sum)
{
    return ek_pairs_scale(p->tail, upper, q, (int32_t)sum, EK_CONV_PAIRS_SHIFT, a->zero, a->add,
                          a->subtract);
}

EK_INLINE void ek_conv_passes(const ek_conv_pairs *a, const int8_t *x, int8_t *y, int is_listed)
{
    int8_t tile[EK_CONV_PAIRS_PIXELS][EK_CONV_PAIRS_BYTES];
    uint32_t waiting[EK_CONV_PAIRS_WAITING][EK_CONV_PAIRS_PIXELS][2];
    for (int32_t t = 0; t < a->tiles; ++t) {
        const int32_t n = a->pixels - a->first_left + t * a->pixel_step;
        const int32_t count = ek_clamp_i32(a->pixels - n, 1, EK_CONV_PAIRS_PIXELS);
        const int32_t *w = a->weights;
        for (const ek_pass *p = a->passes; p < a->passes + a->pass_count; ++p) {
            const int32_t *end = w + p->bytes / 4;
            const int32_t words = p->tile / (8 * EK_CONV_PAIRS_PIXELS) * 2;
            for (int32_t i = 0; i < count; ++i) {
                ek_conv_pairs_gather(a, x, n + i, p, tile[i]);
            }
            for (int32_t pair = 0; w < end; ++pair) {
                const int32_t *start = w;
                const int32_t *q = w;
                w += p->head == 0 ? 2 : 0;
                for (int32_t i = 0; i < count; ++i) {
                    uint32_t *sums = waiting[p->head == 0 && p->tail != EK_PAIRS_KEEP ? 0 : pair][i];
                    int8_t *to = y + (n + i) * a->out_c + p->first + 2 * pair;
                    if (p->head == 0) {
                        sums[0] = (uint32_t)start[0];
                        sums[1] = (uint32_t)start[1];
                    }
                    q = is_listed ? ek_conv_pairs_listed(tile[i], w, words, sums)
                                  : ek_conv_pairs_multiply(tile[i], w, words, sums);
                    if (p->tail != EK_PAIRS_KEEP) {
                        to[0] = ek_conv_pairs_scale(a, p, 0, q, sums[0]);
                        to[1] = ek_conv_pairs_scale(a, p, 1, q + 2, sums[1] - sums[0]);
                    }
                }
                w = q + (p->tail != EK_PAIRS_KEEP ? 4 : 0);
            }
        }
    }
}

#endif
