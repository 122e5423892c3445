/* Argument reduction and polynomials for sinf, cosf and tanf.
 *
 * The reduction (Payne and Hanek 1983) multiplies the significand by the 96 bits of 2/pi that
 * matter for its exponent, in integers: exact to 2^-62 of a quadrant for every float32, the largest
 * included, and the same cost everywhere. */
#ifndef EK_TRIG_F32_H
#define EK_TRIG_F32_H

#include "ek_bits_f32.h"

/* |x| = quadrant * pi/2 + r + low modulo 2 pi, |r| <= pi/4. */
typedef struct {
    uint32_t quadrant;
    float r;
    float low;
} ek_angle;

/* Finite x. */
EK_MATH ek_angle ek_trig_reduce(float x)
{
    static const uint32_t two_over_pi[8] = {0x00000000u, 0xA2F9836Eu, 0x4E441529u, 0xFC2757D1u,
                                            0xF534DDC0u, 0xDB629599u, 0x3C439041u, 0xFE5163ABu};
    ek_angle angle = {0, ek_fabsf(x), 0.0f};
    if (angle.r <= 0.785398163f) {
        return angle;
    }
    const uint32_t bits = ek_to_bits(angle.r);
    const uint32_t digits = (bits & 0x7FFFFFu) | 0x800000u;
    const uint32_t first = (bits >> 23) - 120u; /* bits before it add multiples of 4 quadrants */
    const uint32_t *word = two_over_pi + (first >> 5);
    uint32_t window[3];
    for (uint32_t i = 0; i < 3; ++i) {
        const uint64_t two = ((uint64_t)word[i] << 32) | word[i + 1];
        window[i] = (uint32_t)((two << (first & 31u)) >> 32);
    }
    uint64_t product = (uint64_t)(window[0] * digits) << 32;
    product += (uint64_t)window[1] * digits;
    product += ((uint64_t)window[2] * digits) >> 32;
    angle.quadrant = (uint32_t)((product + (1ull << 61)) >> 62);
    uint64_t rest = product - ((uint64_t)angle.quadrant << 62);
    const int negative = (rest >> 63) != 0;
    rest = negative ? 0u - rest : rest;
    int32_t shift = 0;
    while ((rest >> 63) == 0 && shift < 63) { /* no float32 is nearer than 2^-32 to a multiple */
        rest <<= 1;
        ++shift;
    }
    const uint32_t radians = (uint32_t)(((rest >> 32) * 0xC90FDAA2u) >> 32); /* pi/2 * 2^31 */
    const float unit = ek_power_of_two(-29 - shift);
    const float signed_unit = negative ? -unit : unit;
    angle.r = (float)(int32_t)(radians >> 8) * 256.0f * signed_unit;
    angle.low = (float)(int32_t)(radians & 0xFFu) * signed_unit;
    return angle;
}

EK_INLINE float ek_sin_octant(float r, float low)
{
    const float z = r * r;
    const float p = ((2.83751183e-6f * z - 1.98535112e-4f) * z + 8.33338033e-3f) * z - 0.166666672f;
    return r + (r * (z * p) + low * (1.0f - 0.5f * z));
}

EK_INLINE float ek_cos_octant(float r, float low)
{
    const float z = r * r;
    const float p = (2.44306684e-5f * z - 1.38873013e-3f) * z + 4.16666456e-2f;
    const float half = 0.5f * z;
    const float head = 1.0f - half;
    return head + (((1.0f - head) - half) + (z * (z * p) - r * low));
}

/* sin(x + turn * pi/2) for x >= 0. */
EK_INLINE float ek_sin_turned(ek_angle angle, uint32_t turn)
{
    const uint32_t quadrant = angle.quadrant + turn;
    const float y = (quadrant & 1u) != 0 ? ek_cos_octant(angle.r, angle.low)
                                         : ek_sin_octant(angle.r, angle.low);
    return (quadrant & 2u) != 0 ? -y : y;
}

#endif
