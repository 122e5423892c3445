/*
 * The test harness around a model on an emulated core. The same image runs in two ways:
 *   - an emulator embedded in the runner writes ek_input, calls ek_sample for each sample and reads
 *     ek_output; it never runs the start-up code, so ek_semihosting is 0;
 *   - a system emulator starts at reset; ek_main reads and writes files by semihosting.
 * Sections: everything here is linked into .ek_text and .ek_bss, apart from the model.
 */
#ifndef EK_HARNESS_H
#define EK_HARNESS_H

#include <stdint.h>

#define EK_MAGIC 0x31544B45u /* "EKT1" */

#ifndef EK_STACK_BYTES
#define EK_STACK_BYTES 65536u
#endif

/* Made for each model (glue). */
extern uint8_t ek_input[];  /* every input of one sample, each at a multiple of 16 bytes */
extern uint8_t ek_output[]; /* every output of one sample, likewise */
extern const uint32_t ek_input_bytes;
extern const uint32_t ek_output_bytes;
int ek_model_call(void);
void ek_model_init(void);

/* The harness. */
extern uint8_t ek_stack[EK_STACK_BYTES];
extern uint8_t ek_stack_top[]; /* set by the linker script */
extern volatile uint32_t ek_semihosting;
extern uint32_t ek_stack_bytes; /* below the call of the model, the largest so far */
int ek_sample(int reset); /* one inference; the model's status */
void ek_trace_record(int step, const void *arena, uint32_t bytes);
void ek_trace_more(const void *data, uint32_t bytes); /* of the same step */
void ek_main(void);
void ek_fault(uint32_t pc, uint32_t address, uint32_t cause);
void ek_halt(void); /* never returns; embedded emulators stop here */

/* The architecture. */
uintptr_t ek_semihost(uintptr_t operation, const void *block);

#if defined(__arm__)
#define EK_STACK_ALIGN 8u
#define EK_READ_SP(value) __asm__ volatile("mov %0, sp" : "=r"(value))
#else
#define EK_STACK_ALIGN 16u
#define EK_READ_SP(value) __asm__ volatile("mv %0, sp" : "=r"(value))
#endif

/* Stack use of one call: paint the free stack, call, look how far down the paint is gone. A macro,
   because a function's own frame would lie in the painted part. A saved register may happen to hold
   the paint's value, so the result is rounded up to the stack's alignment. */
#define EK_PAINT 0xA5A5A5A5u
#define EK_STACK_OVERFLOW 0x4B545345 /* status where even the last word of the stack was used */
#define EK_MEASURE_STACK(status, call)                                              \
    do {                                                                        \
        uintptr_t here, p;                                                      \
        EK_READ_SP(here);                                                       \
        for (p = (uintptr_t)ek_stack; p < here; p += 4u) {                      \
            *(volatile uint32_t *)p = EK_PAINT;                                 \
        }                                                                       \
        (status) = (call);                                                      \
        if (*(volatile uint32_t *)ek_stack != EK_PAINT) {                       \
            (status) = EK_STACK_OVERFLOW;                                       \
        }                                                                       \
        for (p = (uintptr_t)ek_stack; p < here; p += 4u) {                      \
            if (*(volatile uint32_t *)p != EK_PAINT) {                          \
                break;                                                          \
            }                                                                   \
        }                                                                       \
        p = (here - p + EK_STACK_ALIGN - 1u) & ~(uintptr_t)(EK_STACK_ALIGN - 1u); \
        if (p > ek_stack_bytes) {                                               \
            ek_stack_bytes = (uint32_t)p;                                       \
        }                                                                       \
    } while (0)

#endif
