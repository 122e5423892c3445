/*
 * Instruction counter as a QEMU TCG plugin. Distributions do not ship the plugin header, so the
 * part of its interface that is needed is declared here (QEMU's docs/devel/tcg-plugins).
 *
 * Argument `config=FILE`, a text file of numbers:
 *   start harness_from harness_to samples limit ranges (from to)... steps entry...
 * At exit it writes `counts.txt`: samples, their totals, then the blocks.
 */
#include <stdbool.h>

#include "ek_count.h"

#ifndef EK_PLUGIN_VERSION
#define EK_PLUGIN_VERSION 1
#endif
#define EXPORT __attribute__((visibility("default")))

typedef uint64_t qemu_plugin_id_t;
struct qemu_plugin_tb;
struct qemu_plugin_insn;
typedef void (*tb_trans_cb)(qemu_plugin_id_t id, struct qemu_plugin_tb *tb);
typedef void (*exec_cb)(unsigned int vcpu, void *user);
typedef void (*exit_cb)(qemu_plugin_id_t id, void *user);

void qemu_plugin_register_vcpu_tb_trans_cb(qemu_plugin_id_t id, tb_trans_cb cb);
void qemu_plugin_register_vcpu_tb_exec_cb(struct qemu_plugin_tb *tb, exec_cb cb, int flags,
                                          void *user);
void qemu_plugin_register_atexit_cb(qemu_plugin_id_t id, exit_cb cb, void *user);
size_t qemu_plugin_tb_n_insns(const struct qemu_plugin_tb *tb);
uint64_t qemu_plugin_tb_vaddr(const struct qemu_plugin_tb *tb);
struct qemu_plugin_insn *qemu_plugin_tb_get_insn(const struct qemu_plugin_tb *tb, size_t index);
size_t qemu_plugin_insn_size(const struct qemu_plugin_insn *insn);
uint64_t qemu_plugin_insn_vaddr(const struct qemu_plugin_insn *insn);

EXPORT int qemu_plugin_version = EK_PLUGIN_VERSION;

static ek_counter counter;
static ek_block **blocks; /* every translated block, for the report */
static uint32_t block_count, block_capacity;

static ek_block *find_or_add(uint64_t address, uint32_t size, uint32_t instructions)
{
    for (uint32_t i = 0; i < block_count; i++) { /* at translation only */
        if (blocks[i]->address == address && blocks[i]->size == size) {
            return blocks[i];
        }
    }
    if (block_count == block_capacity) {
        block_capacity = block_capacity ? 2 * block_capacity : 1024;
        blocks = realloc(blocks, block_capacity * sizeof *blocks);
    }
    ek_block *b = calloc(1, sizeof *b);
    if (!blocks || !b) {
        abort();
    }
    b->address = address;
    b->size = size;
    b->instructions = instructions;
    b->kind = ek_kind(&counter, address);
    blocks[block_count++] = b;
    return b;
}

static void on_execute(unsigned int vcpu, void *user)
{
    (void)vcpu;
    if (!ek_execute(&counter, user)) {
        dprintf(2, "edgekit: instruction limit\n");
        exit(3);
    }
}

static void on_translate(qemu_plugin_id_t id, struct qemu_plugin_tb *tb)
{
    (void)id;
    const size_t n = qemu_plugin_tb_n_insns(tb);
    const struct qemu_plugin_insn *last = qemu_plugin_tb_get_insn(tb, n - 1);
    const uint64_t from = qemu_plugin_tb_vaddr(tb);
    const uint64_t to = qemu_plugin_insn_vaddr(last) + qemu_plugin_insn_size(last);
    ek_block *b = find_or_add(from, (uint32_t)(to - from), (uint32_t)n);
    qemu_plugin_register_vcpu_tb_exec_cb(tb, on_execute, 0, b);
}

static void on_exit(qemu_plugin_id_t id, void *user)
{
    (void)id;
    (void)user;
    ek_file *f = fopen("counts.txt", "w");
    if (!f) {
        return;
    }
    fprintf(f, "%u %u\n", (unsigned)counter.samples, (unsigned)counter.step_count + 1);
    for (uint32_t s = 0; s < counter.samples; s++) {
        for (uint32_t i = 0; i <= counter.step_count; i++) {
            const uint64_t total = counter.totals[s * (counter.step_count + 1) + i];
            fprintf(f, "%llu ", (unsigned long long)total);
        }
        fprintf(f, "\n");
    }
    for (uint32_t i = 0; i < block_count; i++) {
        const ek_block *b = blocks[i];
        if (b->executions) {
            fprintf(f, "%llu %u %u %llu %llu\n", (unsigned long long)b->address, (unsigned)b->size,
                    (unsigned)b->instructions, (unsigned long long)b->executions,
                    (unsigned long long)b->taken);
        }
    }
    fclose(f);
}

static uint64_t number(ek_file *f)
{
    unsigned long long value = 0;
    if (fscanf(f, "%llu", &value) != 1) {
        exit(2); /* the configuration is damaged */
    }
    return value;
}

static const uint64_t *numbers(ek_file *f, uint64_t count)
{
    uint64_t *values = calloc(count + 1, sizeof *values);
    if (!values) {
        abort();
    }
    for (uint64_t i = 0; i < count; i++) {
        values[i] = number(f);
    }
    return values;
}

EXPORT int qemu_plugin_install(qemu_plugin_id_t id, const void *info, int argc, char **argv)
{
    (void)info;
    if (argc != 1 || strncmp(argv[0], "config=", 7) != 0) {
        return -1;
    }
    ek_file *f = fopen(argv[0] + 7, "r");
    if (!f) {
        return -1;
    }
    counter.start = number(f);
    counter.harness_from = number(f);
    counter.harness_to = number(f);
    counter.capacity = (uint32_t)number(f);
    counter.limit = number(f);
    counter.range_count = (uint32_t)number(f);
    counter.ranges = numbers(f, 2 * (uint64_t)counter.range_count);
    counter.step_count = (uint32_t)number(f);
    counter.entries = numbers(f, counter.step_count);
    fclose(f);
    counter.totals = calloc((size_t)counter.capacity * (counter.step_count + 1) + 1, 8);
    if (!counter.totals) {
        return -1;
    }
    qemu_plugin_register_vcpu_tb_trans_cb(id, on_translate);
    qemu_plugin_register_atexit_cb(id, on_exit, NULL);
    return 0;
}
