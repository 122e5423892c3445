/* Block hook for Unicorn: finds the block in a hash table, decodes it once, counts it. */
#include "ek_count.h"

typedef struct {
    ek_counter counter;
    void (*stop)(void *engine);
    const uint8_t *code; /* the image, for decoding */
    uint64_t code_address, code_bytes;
    uint32_t thumb;      /* else RISC-V with compressed instructions */
    uint32_t block_count, table_size, stopped;
    ek_block **table;    /* open addressing, table_size is a power of two */
} ek_hook;

static uint32_t count_instructions(const ek_hook *h, uint64_t address, uint32_t size)
{
    uint32_t count = 0;
    if (address < h->code_address || address + size > h->code_address + h->code_bytes) {
        return 0;
    }
    const uint8_t *p = h->code + (address - h->code_address);
    for (uint32_t i = 0; i + 1 < size; count++) {
        const uint32_t half = p[i] | (uint32_t)p[i + 1] << 8;
        const int wide = h->thumb ? half >> 11 >= 29 : (half & 3) == 3;
        i += wide ? 4 : 2;
    }
    return count;
}

static uint32_t slot_of(const ek_hook *h, uint64_t address, uint32_t size)
{
    uint32_t i = (uint32_t)(address >> 1) * 2654435761u + size;
    for (;; i++) {
        const ek_block *b = h->table[i & (h->table_size - 1)];
        if (!b || (b->address == address && b->size == size)) {
            return i & (h->table_size - 1);
        }
    }
}

static int grow(ek_hook *h)
{
    const uint32_t old_size = h->table_size;
    ek_block **old = h->table;
    h->table_size = old_size ? 2 * old_size : 4096;
    h->table = calloc(h->table_size, sizeof *h->table);
    if (!h->table) {
        return 0;
    }
    for (uint32_t i = 0; i < old_size; i++) {
        if (old[i]) {
            h->table[slot_of(h, old[i]->address, old[i]->size)] = old[i];
        }
    }
    free(old);
    return 1;
}

void ek_on_block(void *engine, uint64_t address, uint32_t size, void *user)
{
    ek_hook *h = user;
    if (2 * h->block_count >= h->table_size && !grow(h)) {
        abort();
    }
    const uint32_t slot = slot_of(h, address, size);
    ek_block *b = h->table[slot];
    if (!b) {
        b = calloc(1, sizeof *b);
        if (!b) {
            abort();
        }
        b->address = address;
        b->size = size;
        b->instructions = count_instructions(h, address, size);
        b->kind = ek_kind(&h->counter, address);
        h->table[slot] = b;
        h->block_count++;
    }
    if (!ek_execute(&h->counter, b)) {
        h->stopped = 1;
        h->stop(engine);
    }
}

/* Copies the blocks that ran; returns how many there are. */
uint32_t ek_blocks(const ek_hook *h, ek_block *out, uint32_t capacity)
{
    uint32_t n = 0;
    for (uint32_t i = 0; i < h->table_size; i++) {
        const ek_block *b = h->table[i];
        if (b && b->executions) {
            if (n < capacity) {
                out[n] = *b;
            }
            n++;
        }
    }
    return n;
}

void ek_release(ek_hook *h)
{
    for (uint32_t i = 0; i < h->table_size; i++) {
        free(h->table[i]);
    }
    free(h->table);
    h->table = NULL;
    h->table_size = h->block_count = 0;
}
