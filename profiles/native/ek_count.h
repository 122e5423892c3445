/*
 * Counts instructions by basic block and attributes them to the step that runs. Shared by the
 * embedded emulator's block hook and the system emulator's plugin, so that both count alike.
 *
 * Counting starts when the block at `start` runs (the model's entry point) and stops when a block
 * of the harness runs, which is where the model returns to. In between, a block at a step's entry
 * makes that step the current one; a block of the dispatcher (run, run_copy) makes none current.
 */
#ifndef EK_COUNT_H
#define EK_COUNT_H

#include "ek_libc.h"

enum { EK_PLAIN = -1, EK_DISPATCH = -2, EK_START = -3, EK_HARNESS = -4 };

typedef struct {
    uint64_t address;
    uint32_t size;         /* bytes */
    uint32_t instructions;
    uint64_t executions;
    uint64_t taken;        /* how often the next block was not the one that follows in memory */
    int32_t kind;          /* a step's number where >= 0, else one of the above */
    int32_t reserved;
} ek_block;

typedef struct {
    uint64_t start, harness_from, harness_to;
    uint32_t range_count;  /* dispatcher: pairs of from, to */
    uint32_t step_count;
    const uint64_t *ranges;
    const uint64_t *entries; /* a step's entry; one step may have several names but one entry */
    /* results: a row of step_count + 1 totals for each sample; the last is outside of steps */
    uint64_t *totals;
    uint32_t capacity, samples;
    /* state */
    uint64_t limit, total;
    uint32_t active, current;
    ek_block *previous;
} ek_counter;

static inline int32_t ek_kind(const ek_counter *c, uint64_t address)
{
    if (address == c->start) {
        return EK_START;
    }
    if (address >= c->harness_from && address < c->harness_to) {
        return EK_HARNESS;
    }
    for (uint32_t i = 0; i < c->step_count; i++) {
        if (c->entries[i] == address) {
            return (int32_t)i;
        }
    }
    for (uint32_t i = 0; i < c->range_count; i++) {
        if (address >= c->ranges[2 * i] && address < c->ranges[2 * i + 1]) {
            return EK_DISPATCH;
        }
    }
    return EK_PLAIN;
}

/* One block is about to run. Returns 0 once the instruction limit is passed. */
static inline int ek_execute(ek_counter *c, ek_block *b)
{
    if (b->kind != EK_PLAIN) {
        if (b->kind == EK_START) {
            c->active = c->samples < c->capacity;
            c->current = c->step_count;
        } else if (b->kind == EK_HARNESS) {
            if (c->active) {
                c->samples++;
                if (c->previous) {
                    c->previous->taken++;
                }
            }
            c->active = 0;
            c->previous = NULL;
            return 1;
        } else {
            c->current = b->kind == EK_DISPATCH ? c->step_count : (uint32_t)b->kind;
        }
    }
    if (!c->active) {
        return 1;
    }
    c->totals[(uint64_t)c->samples * (c->step_count + 1) + c->current] += b->instructions;
    c->total += b->instructions;
    b->executions++;
    if (c->previous && c->previous->address + c->previous->size != b->address) {
        c->previous->taken++;
    }
    c->previous = b;
    return c->total <= c->limit;
}

#endif
