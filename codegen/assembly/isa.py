"""The instruction sets that have an emitter, and how a compiler says that it builds for one."""

from __future__ import annotations

from dataclasses import dataclass, replace

from targets.model import Core


@dataclass(frozen=True)
class Isa:
    """An instruction set with an emitter of its own.

    Attributes:
        name: also that of the package below `codegen.assembly`.
        condition: preprocessor expression that is true where a compiler builds for it.
        directives: assembler directives before each function.
        function: directives that make a symbol a function, ``{symbol}`` in place of its name.
        arguments: registers of a function's first arguments; further ones are on the stack.
    """

    name: str
    condition: str
    directives: tuple[str, ...]
    function: tuple[str, ...]
    arguments: tuple[str, ...] = ("r0", "r1", "r2", "r3")


_THUMB = (".syntax unified", ".thumb")
_UNALIGNED = "defined(__ARM_FEATURE_UNALIGNED)"
"""Words are loaded from wherever bytes lie."""
_THUMB_FUNCTION = (".type {symbol}, %function", ".thumb_func")

ARMV6_M = Isa("armv6_m", "defined(__ARM_ARCH_6M__)", _THUMB, _THUMB_FUNCTION)
ARMV7_M = Isa(
    "armv7_m",
    f"defined(__ARM_ARCH) && __ARM_ARCH >= 7 && defined(__thumb2__) && {_UNALIGNED}",
    _THUMB,
    _THUMB_FUNCTION,
)
ARMV7E_M = Isa(
    "armv7e_m",
    f"defined(__ARM_FEATURE_DSP) && defined(__thumb2__) && {_UNALIGNED}",
    _THUMB,
    _THUMB_FUNCTION,
)
ARMV7E_M_FPU = replace(
    ARMV7E_M, condition=f"{ARMV7E_M.condition} && defined(__ARM_FP) && (__ARM_FP & 4)"
)
"""With floating point of single precision in hardware."""
MVE = Isa("mve", f"defined(__ARM_FEATURE_MVE) && {_UNALIGNED}", _THUMB, _THUMB_FUNCTION)
MVE_FLOAT = replace(MVE, condition=f"{MVE.condition} && (__ARM_FEATURE_MVE & 2)")
"""Functions of `MVE` with vectors of floats too: a build for integer vectors takes their equals."""
RV32 = Isa(
    "rv32",
    "defined(__riscv) && __riscv_xlen == 32 && defined(__riscv_mul) && !defined(__riscv_32e)",
    (),
    (".type {symbol}, @function",),
    tuple(f"a{i}" for i in range(8)),
)


def isa_of(core: Core) -> Isa | None:
    """The richest instruction set with an emitter that a core executes; None: portable C alone."""
    if core.family == "riscv":
        return RV32
    if core.family != "cortex-m":
        return None
    by_feature = (("mve", MVE), ("dsp", ARMV7E_M), ("thumb2", ARMV7_M))
    return next((isa for feature, isa in by_feature if feature in core.features), ARMV6_M)
