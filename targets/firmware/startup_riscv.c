/* Reset, traps and semihosting on RISC-V. The global pointer is not used. */
#include "harness.h"

void _start(void);
void ek_trap_entry(void);

__attribute__((naked, noinline)) uintptr_t ek_semihost(uintptr_t operation, const void *block)
{
    /* The three instructions must be uncompressed and lie in one page. */
    __asm__ volatile(".option push\n\t"
                     ".option norvc\n\t"
                     ".balign 16\n\t"
                     "slli zero, zero, 0x1f\n\t"
                     "ebreak\n\t"
                     "srai zero, zero, 7\n\t"
                     ".option pop\n\t"
                     "ret");
}

__attribute__((naked, used, aligned(4))) void ek_trap_entry(void)
{
    __asm__ volatile(".option push\n\t"
                     ".option arch, +zicsr\n\t"
                     "la sp, ek_stack_top\n\t"
                     "csrr a0, mepc\n\t"
                     "csrr a1, mtval\n\t"
                     "csrr a2, mcause\n\t"
                     ".option pop\n\t"
                     "call ek_fault");
}

__attribute__((naked, used, section(".ek_vectors"))) void _start(void)
{
    __asm__ volatile(".option push\n\t"
                     ".option arch, +zicsr\n\t"
                     "la sp, ek_stack_top\n\t"
                     "la t0, ek_trap_entry\n\t"
                     "csrw mtvec, t0\n\t"
                     /* PMP entry 0, locked: the 16 MiB of code can be read and executed only, so
                        that a stack that overflows into it faults. */
                     "la t0, _start\n\t"
                     "srli t0, t0, 2\n\t"
                     "li t1, 0x1fffff\n\t"
                     "or t0, t0, t1\n\t"
                     "csrw pmpaddr0, t0\n\t"
                     "li t0, 0x9d\n\t"
                     "csrw pmpcfg0, t0\n\t"
                     ".option pop\n\t"
                     "call ek_main");
}
