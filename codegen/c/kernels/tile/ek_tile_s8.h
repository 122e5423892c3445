/* The portable tile kernel, for both forms of requantization. */
#ifndef EK_TILE_S8_H
#define EK_TILE_S8_H

#include "ek_high_word.h"
#include "ek_list.h"
#include "ek_tile.h"

/* The bytes of six windows side by side: outputs may be written over them afterwards. */
EK_INLINE void ek_tile_s8_spread(const ek_tile *t, const int8_t *const *x, int8_t *bytes)
{
    for (int32_t row = 0; row < t->rows; ++row) {
        for (int32_t i = 0; i < t->length; ++i) {
            for (int32_t p = 0; p < EK_TILE_PIXELS; ++p) {
                *bytes++ = x[EK_TILE_PIXELS * row + p][i];
            }
        }
    }
}

/* Weights of one filter, tap by tap; returns what follows them. */
EK_INLINE const int8_t *ek_tile_s8_listed(const ek_tile *t, const int8_t *list, int8_t *taps)
{
    for (int32_t i = 0; i < t->taps; ++i) {
        taps[i] = 0;
    }
    for (int32_t i = 0; i < ek_list_count(list); ++i) {
        taps[ek_list_place(list, i)] = (int8_t)ek_list_weight(list, i);
    }
    return ek_list_next(list);
}

/* The same of both filters of a pair. */
EK_INLINE const int8_t *ek_tile_s8_weights(const ek_tile *t, const int8_t *weights,
                                           int8_t taps[2][EK_TILE_TAPS])
{
    if (t->flags & EK_TILE_LISTED) {
        return ek_tile_s8_listed(t, ek_tile_s8_listed(t, weights, taps[0]), taps[1]);
    }
    for (int32_t filter = 0; filter < 2; ++filter) {
        for (int32_t i = 0; i < t->taps; ++i) {
            taps[filter][i] = t->flags & EK_TILE_BY_FILTER
                                  ? (int8_t)((uint8_t)weights[filter * t->taps + i] - 128)
                                  : weights[2 * i + filter];
        }
    }
    return weights + 2 * t->taps;
}

EK_INLINE int8_t ek_tile_s8_output(const ek_tile *t, int32_t sum, const int32_t *q, int is_signed)
{
    const int32_t y = is_signed ? ek_high_word_signed(sum, q, t->offset) : ek_high_word(sum, q);
    return (int8_t)ek_clamp_i32(y, t->low, t->high);
}

EK_INLINE void ek_tile_s8_pairs(ek_tile *t, const int8_t *const *x, int8_t *const *y,
                                int32_t *partial, int is_signed)
{
    const int resumes = (t->flags & (EK_TILE_RESUME | EK_TILE_RESUME_WORDS)) != 0;
    const int waits = (t->flags & (EK_TILE_WAIT | EK_TILE_WAIT_WORDS)) != 0;
    const int8_t *weights = t->weights;
    int8_t taps[2][EK_TILE_TAPS];
    int8_t bytes[EK_TILE_PIXELS * EK_TILE_TAPS];
    ek_tile_s8_spread(t, x, bytes);
    for (int32_t pair = 0; pair < t->pairs; ++pair) {
        int32_t *kept = partial + 2 * EK_TILE_PIXELS * pair;
        int32_t sums[2 * EK_TILE_PIXELS] = {0};
        for (int32_t i = 0; resumes && i < 2 * EK_TILE_PIXELS; ++i) {
            sums[i] = kept[i];
        }
        weights = ek_tile_s8_weights(t, weights, taps);
        for (int32_t i = 0; i < t->taps; ++i) {
            for (int32_t p = 0; p < EK_TILE_PIXELS; ++p) {
                sums[p] += bytes[EK_TILE_PIXELS * i + p] * taps[0][i];
                sums[EK_TILE_PIXELS + p] += bytes[EK_TILE_PIXELS * i + p] * taps[1][i];
            }
        }
        for (int32_t i = 0; i < 2 * EK_TILE_PIXELS; ++i) {
            const int32_t filter = 2 * pair + i / EK_TILE_PIXELS;
            if (waits) {
                kept[i] = sums[i];
            } else {
                y[i % EK_TILE_PIXELS][filter] =
                    ek_tile_s8_output(t, sums[i], t->table + 3 * filter, is_signed);
            }
        }
    }
    t->weights = weights;
}

#endif
