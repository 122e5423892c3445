/* Runs a model's samples; see harness.h. Calls no library routine: those belong to the model. */
#include "harness.h"

#define SYS_OPEN 0x01u
#define SYS_CLOSE 0x02u
#define SYS_WRITE 0x05u
#define SYS_READ 0x06u
#define SYS_EXIT 0x18u
#define MODE_READ 1u  /* "rb" */
#define MODE_WRITE 5u /* "wb" */
#define EXIT_OK 0x20026u
#define EXIT_ERROR 0x20023u
#define BAD_FILE ((uintptr_t)-1)

uint8_t ek_stack[EK_STACK_BYTES] __attribute__((aligned(16), section(".ek_stack")));
volatile uint32_t ek_semihosting;
uint32_t ek_stack_bytes;
static uintptr_t trace_file;

static const char name_input[] = "in.bin";
static const char name_output[] = "out.bin";
static const char name_trace[] = "trace.bin";
static const char name_fault[] = "fault.bin";

__attribute__((noinline)) int ek_sample(int reset)
{
    if (reset) {
        ek_model_init();
    }
    return ek_model_call();
}

__attribute__((noinline)) void ek_halt(void)
{
    for (;;) {
        __asm__ volatile("" ::: "memory");
    }
}

static void leave(uintptr_t reason)
{
    (void)ek_semihost(SYS_EXIT, (const void *)reason);
    ek_halt();
}

static uintptr_t open_file(const char *name, uint32_t length, uintptr_t mode)
{
    uintptr_t block[3]; /* filled one by one: an initializer may become a call of memcpy */
    block[0] = (uintptr_t)name;
    block[1] = mode;
    block[2] = length;
    return ek_semihost(SYS_OPEN, block);
}

/* Semihosting's read and write both return the number of bytes they did not transfer. */
static void transfer(uintptr_t operation, uintptr_t file, const void *data, uint32_t bytes)
{
    uintptr_t block[3];
    block[0] = file;
    block[1] = (uintptr_t)data;
    block[2] = bytes;
    if (bytes != 0 && ek_semihost(operation, block) != 0) {
        leave(EXIT_ERROR);
    }
}

static void close_file(uintptr_t file)
{
    const uintptr_t block[1] = {file};
    (void)ek_semihost(SYS_CLOSE, block);
}

void ek_trace_record(int step, const void *arena, uint32_t bytes)
{
    const uint32_t number = (uint32_t)step;
    if (ek_semihosting == 0) {
        return;
    }
    transfer(SYS_WRITE, trace_file, &number, sizeof number);
    transfer(SYS_WRITE, trace_file, arena, bytes);
}

void ek_trace_more(const void *data, uint32_t bytes)
{
    if (ek_semihosting != 0) {
        transfer(SYS_WRITE, trace_file, data, bytes);
    }
}

void ek_fault(uint32_t pc, uint32_t address, uint32_t cause)
{
    uint32_t record[3];
    record[0] = pc;
    record[1] = address;
    record[2] = cause;
    const uintptr_t file = open_file(name_fault, sizeof name_fault - 1u, MODE_WRITE);
    if (file != BAD_FILE) {
        transfer(SYS_WRITE, file, record, sizeof record);
        close_file(file);
    }
    leave(EXIT_ERROR);
}

static void run_samples(uintptr_t in, uintptr_t out, uint32_t samples, uint32_t carry_state)
{
    for (uint32_t i = 0; i < samples; i++) {
        transfer(SYS_READ, in, ek_input, ek_input_bytes);
        const int32_t status = ek_sample(i == 0 || carry_state == 0);
        transfer(SYS_WRITE, out, &status, sizeof status);
        transfer(SYS_WRITE, out, ek_output, ek_output_bytes);
    }
}

void ek_main(void)
{
    uint32_t header[4]; /* magic, samples, bytes of a sample, carry state */
    ek_semihosting = 1;
    const uintptr_t in = open_file(name_input, sizeof name_input - 1u, MODE_READ);
    const uintptr_t out = open_file(name_output, sizeof name_output - 1u, MODE_WRITE);
    trace_file = open_file(name_trace, sizeof name_trace - 1u, MODE_WRITE);
    if (in == BAD_FILE || out == BAD_FILE || trace_file == BAD_FILE) {
        leave(EXIT_ERROR);
    }
    transfer(SYS_READ, in, header, sizeof header);
    if (header[0] != EK_MAGIC || header[2] != ek_input_bytes) {
        leave(EXIT_ERROR);
    }
    run_samples(in, out, header[1], header[3]);
    uint32_t trailer[2];
    trailer[0] = EK_MAGIC;
    trailer[1] = ek_stack_bytes;
    transfer(SYS_WRITE, out, trailer, sizeof trailer);
    close_file(out);
    close_file(trace_file);
    leave(EXIT_OK);
}
