/*
 * memcpy, memset and memmove for firmware without a C library. Word-wise where both addresses
 * allow it. Linked, and counted, as part of the model: on a product the C library's take their
 * place.
 */
#include <stddef.h>
#include <stdint.h>

typedef uint32_t __attribute__((may_alias)) word_t;

#define WORD_BITS(p) ((uintptr_t)(p) & 3u)

void *memcpy(void *restrict target, const void *restrict source, size_t count);
void *memmove(void *target, const void *source, size_t count);
void *memset(void *target, int value, size_t count);

/* From the first byte on; the target may begin below the source inside it. */
static void copy_up(uint8_t *to, const uint8_t *from, size_t count)
{
    if (WORD_BITS(to) == WORD_BITS(from)) {
        while (count != 0 && WORD_BITS(to) != 0) {
            *to++ = *from++;
            count--;
        }
        while (count >= 16) {
            const word_t *f = (const word_t *)from;
            word_t *t = (word_t *)to;
            const uint32_t a = f[0], b = f[1], c = f[2], d = f[3];
            t[0] = a;
            t[1] = b;
            t[2] = c;
            t[3] = d;
            to += 16;
            from += 16;
            count -= 16;
        }
        while (count >= 4) {
            *(word_t *)to = *(const word_t *)from;
            to += 4;
            from += 4;
            count -= 4;
        }
    }
    while (count != 0) {
        *to++ = *from++;
        count--;
    }
}

void *memcpy(void *restrict target, const void *restrict source, size_t count)
{
    copy_up(target, source, count);
    return target;
}

void *memset(void *target, int value, size_t count)
{
    uint8_t *to = target;
    const uint8_t byte = (uint8_t)value;
    const uint32_t word = byte * 0x01010101u;
    while (count != 0 && WORD_BITS(to) != 0) {
        *to++ = byte;
        count--;
    }
    while (count >= 4) {
        *(word_t *)to = word;
        to += 4;
        count -= 4;
    }
    while (count != 0) {
        *to++ = byte;
        count--;
    }
    return target;
}

void *memmove(void *target, const void *source, size_t count)
{
    uint8_t *to = target;
    const uint8_t *from = source;
    if ((uintptr_t)to <= (uintptr_t)from || (uintptr_t)to - (uintptr_t)from >= count) {
        copy_up(to, from, count);
    } else {
        while (count != 0) {
            count--;
            to[count] = from[count];
        }
    }
    return target;
}
