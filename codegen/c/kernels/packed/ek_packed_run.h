/* Bytes of six rows into packed columns, see ek_packed.h. */
#ifndef EK_PACKED_RUN_H
#define EK_PACKED_RUN_H

#include "ek_packed.h"

#define EK_PACKED_COLUMN(i)                                                                        \
    do {                                                                                           \
        const uint32_t third = (uint32_t)(int32_t)c[i];                                            \
        const uint32_t sixth = (uint32_t)(int32_t)f[i];                                            \
        words[4 * (i)] = (uint32_t)(int32_t)a[i] + (third << 21);                                  \
        words[4 * (i) + 1] = (uint32_t)(int32_t)b[i] + (third << 10);                              \
        words[4 * (i) + 2] = (uint32_t)(int32_t)d[i] + (sixth << 21);                              \
        words[4 * (i) + 3] = (uint32_t)(int32_t)e[i] + (sixth << 10);                              \
    } while (0)

#define EK_PACKED_ADVANCE(n)                                                                       \
    do {                                                                                           \
        a += (n);                                                                                  \
        b += (n);                                                                                  \
        c += (n);                                                                                  \
        d += (n);                                                                                  \
        e += (n);                                                                                  \
        f += (n);                                                                                  \
        words += 4 * (n);                                                                          \
    } while (0)

/* Some bytes of each row; returns where the next column belongs. */
EK_INLINE uint32_t *ek_packed_run(const int8_t *const from[EK_PACKED_SLOTS], int32_t count,
                                  uint32_t *words)
{
    const int8_t *a = from[0];
    const int8_t *b = from[1];
    const int8_t *c = from[2];
    const int8_t *d = from[3];
    const int8_t *e = from[4];
    const int8_t *f = from[5];
    for (; count >= 4; count -= 4) {
        EK_PACKED_COLUMN(0);
        EK_PACKED_COLUMN(1);
        EK_PACKED_COLUMN(2);
        EK_PACKED_COLUMN(3);
        EK_PACKED_ADVANCE(4);
    }
    for (; count > 0; --count) {
        EK_PACKED_COLUMN(0);
        EK_PACKED_ADVANCE(1);
    }
    return words;
}

#endif
