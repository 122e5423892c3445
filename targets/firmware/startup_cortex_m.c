/* Reset, faults and semihosting on Cortex-M. */
#include "harness.h"

#define CPACR (*(volatile uint32_t *)0xE000ED88u)
#define CFSR (*(volatile uint32_t *)0xE000ED28u)
#define MPU_CTRL (*(volatile uint32_t *)0xE000ED94u)
#define MPU_RBAR (*(volatile uint32_t *)0xE000ED9Cu)
#define MPU_RASR (*(volatile uint32_t *)0xE000EDA0u)
#define BFAR (*(volatile uint32_t *)0xE000ED38u)

void Reset_Handler(void);
void ek_fault_entry(void);
void ek_fault_frame(const uint32_t *frame);

__attribute__((naked, noinline)) uintptr_t ek_semihost(uintptr_t operation, const void *block)
{
    __asm__ volatile("bkpt 0xab\n\tbx lr");
}

/* frame: r0 r1 r2 r3 r12 lr pc xpsr, as the core stacked it. */
__attribute__((used)) void ek_fault_frame(const uint32_t *frame)
{
#if defined(__ARM_ARCH_6M__)
    ek_fault(frame[6], 0, 0); /* has no fault status registers */
#else
    ek_fault(frame[6], BFAR, CFSR);
#endif
}

__attribute__((naked, used)) void ek_fault_entry(void)
{
    __asm__ volatile("mrs r0, msp\n\t"
                     "ldr r1, =ek_fault_frame\n\t"
                     "bx r1\n\t"
                     ".pool");
}

__attribute__((noreturn)) void Reset_Handler(void)
{
#if defined(__ARM_FP) || defined(__ARM_FEATURE_MVE)
    CPACR |= 0xFu << 20;
    __asm__ volatile("dsb\n\tisb" ::: "memory");
#endif
#if defined(__ARM_ARCH_7M__) || defined(__ARM_ARCH_7EM__)
    /* The emulated boards swallow writes below RAM: forbid 0x10000000 to 0x1fffffff, so that a
       stack that overflows faults. Everything else keeps its default rights. */
    MPU_RBAR = 0x10000000u | 0x10u; /* region 0 */
    MPU_RASR = (27u << 1) | 1u;     /* 2^28 bytes, no access */
    MPU_CTRL = 5u;                  /* on, default map for the rest */
    __asm__ volatile("dsb\n\tisb" ::: "memory");
#endif
    ek_main();
    ek_halt();
    for (;;) {
    }
}

#define FAULT (uintptr_t) ek_fault_entry
__attribute__((used, section(".ek_vectors"))) const uintptr_t ek_vectors[16] = {
    (uintptr_t)ek_stack_top,
    (uintptr_t)Reset_Handler,
    FAULT, FAULT, FAULT, FAULT, FAULT, FAULT, 0, 0, 0, FAULT, FAULT, 0, FAULT, FAULT,
};
