/* Elements of x at the positions of a grid, from -1 to 1 along each of two or three spatial axes.
 * x is (batch, channels, size...), the grid (batch, points, rank) with the last axis first, y
 * (batch, channels, points). `taps` neighbours along each axis: 1 nearest, 2 linear, 4 cubic. */
#include "ek_rounding_f32.h"

#define EK_GRID_AXES 3
#define EK_GRID_BORDER 1
#define EK_GRID_REFLECTION 2

typedef struct {
    int32_t batch, channels, points, rank, taps, padding, align;
    int32_t size[EK_GRID_AXES];
} ek_grid;

/* Back and forth between the borders. */
EK_INLINE float ek_grid_reflect(float x, float low, float high)
{
    const float range = high - low;
    if (!(range > 0.0f)) {
        return low;
    }
    const float over = x < low ? low - x : x - high;
    const float turns = ek_floorf(over / range);
    const float rest = over - turns * range;
    const float half = 0.5f * turns;
    const int even = ek_floorf(half) == half;
    return (x < low) == even ? low + rest : high - rest;
}

/* The element at a place along an axis, -1 where there is none. */
EK_INLINE int32_t ek_grid_place(float x, int32_t size, int32_t padding, float low, float high)
{
    if (padding == EK_GRID_REFLECTION && (x < low || x > high)) {
        x = ek_truncf(ek_grid_reflect(x, low, high));
    }
    if (x < 0.0f || x > (float)(size - 1)) {
        if (padding == 0) {
            return -1;
        }
        return x < 0.0f ? 0 : size - 1;
    }
    return (int32_t)x;
}

/* Weights of the neighbours of a position that lies `f` behind the second (of four) or first. */
EK_INLINE void ek_grid_weights(int32_t taps, float f, float weight[4])
{
    const float a = -0.75f;
    weight[0] = 1.0f;
    if (taps == 2) {
        weight[0] = 1.0f - f;
        weight[1] = f;
    } else if (taps == 4) {
        const float g = 1.0f - f;
        weight[0] = ((a * (f + 1.0f) - 5.0f * a) * (f + 1.0f) + 8.0f * a) * (f + 1.0f) - 4.0f * a;
        weight[1] = ((a + 2.0f) * f - (a + 3.0f)) * f * f + 1.0f;
        weight[2] = ((a + 2.0f) * g - (a + 3.0f)) * g * g + 1.0f;
        weight[3] = ((a * (g + 1.0f) - 5.0f * a) * (g + 1.0f) + 8.0f * a) * (g + 1.0f) - 4.0f * a;
    }
}

/* Neighbours along one axis of the position `at` in the grid's units. */
EK_INLINE void ek_grid_axis(const ek_grid *g, int32_t size, float at, int32_t place[4],
                            float weight[4])
{
    const float n = (float)size;
    const float low = g->align ? 0.0f : -0.5f;
    const float high = g->align ? n - 1.0f : n - 0.5f;
    float x = g->align ? (at + 1.0f) / 2.0f * (n - 1.0f) : ((at + 1.0f) * n - 1.0f) / 2.0f;
    if (!(x > -1e6f && x < 1e6f)) {
        x = x > 0.0f ? 1e6f : -1e6f;
    }
    if (g->taps == 1) {
        x = ek_rintf(x);
    }
    if (x < low || x > high) {
        if (g->padding == EK_GRID_BORDER) {
            x = ek_clamp_f32(x, 0.0f, n - 1.0f);
        } else if (g->padding == EK_GRID_REFLECTION) {
            x = ek_grid_reflect(x, low, high);
        }
    }
    const float base = ek_floorf(x);
    const float first = g->taps == 4 ? base - 1.0f : base;
    ek_grid_weights(g->taps, x - base, weight);
    for (int32_t k = 0; k < g->taps; ++k) {
        place[k] = ek_grid_place(first + (float)k, size, g->padding, low, high);
    }
}

EK_INLINE float ek_grid_sum(const ek_grid *g, const float *x, int32_t place[EK_GRID_AXES][4],
                            float weight[EK_GRID_AXES][4])
{
    float sum = 0.0f;
    for (int32_t i = 0; i < g->taps; ++i) {
        for (int32_t j = 0; j < g->taps; ++j) {
            const int32_t count = g->rank == 3 ? g->taps : 1;
            for (int32_t k = 0; k < count; ++k) {
                if (place[0][i] < 0 || place[1][j] < 0 || place[2][k] < 0) {
                    continue;
                }
                const int32_t at =
                    (place[0][i] * g->size[1] + place[1][j]) * g->size[2] + place[2][k];
                sum += weight[0][i] * weight[1][j] * weight[2][k] * x[at];
            }
        }
    }
    return sum;
}

EK_KERNEL void ek_grid_sample_f32(const ek_grid *g, const float *x, const float *grid, float *y)
{
    const int32_t plane = g->size[0] * g->size[1] * g->size[2];
    int32_t place[EK_GRID_AXES][4] = {{0}};
    float weight[EK_GRID_AXES][4] = {{1.0f}, {1.0f}, {1.0f}};
    for (int32_t n = 0; n < g->batch; ++n) {
        for (int32_t p = 0; p < g->points; ++p) {
            for (int32_t a = 0; a < g->rank; ++a) {
                ek_grid_axis(g, g->size[a], grid[g->rank - 1 - a], place[a], weight[a]);
            }
            for (int32_t c = 0; c < g->channels; ++c) {
                y[c * g->points + p] = ek_grid_sum(g, x + c * plane, place, weight);
            }
            grid += g->rank;
        }
        x += g->channels * plane;
        y += g->channels * g->points;
    }
}
