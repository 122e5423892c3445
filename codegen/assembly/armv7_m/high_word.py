"""Requantization on Armv7-M: one SMLAL whose accumulator holds bias, rounding and zero point."""

from __future__ import annotations

from collections.abc import Sequence

from codegen.assembly.block import Block, noted

M, LOW, HIGH = "r8", "r9", "r10"
"""Multiplier and constant of the channel; the low word's last byte is the shift."""
LO, HI = "r11", "r12"


def halve(b: Block, half: int) -> None:
    """Half a step and the zero point to their place; `LO` holds ``2 * zero point + 1``."""
    b.op(f"lsl {LO}, {LO}, {LOW}")
    b.op(f"asr {LO}, {LO}, #1")
    b.op(f"str {LO}, [sp, #{half}]")


@noted
def requantize(b: Block, sums: Sequence[str], half: int | None) -> None:
    """Sums to int8, by the constants in their registers: five instructions each.

    Args:
        b: the function.
        sums: registers.
        half: in the form that rounds twice, where `halve` has kept its constant (ten instructions).
    """
    b.name(m=M, low=LOW, high=HIGH, lo=LO, hi=HI)
    for total in sums:
        b.op("mov {lo}, {low}")
        b.op("mov {hi}, {high}")
        b.op("smlal {lo}, {hi}, {total}, {m}", total=total)
        if half is not None:  # x = (hi:lo) >> 31, less one if negative; then half and zero point
            b.op("lsls {lo}, {lo}, #1")
            b.op("adc {hi}, {hi}, {hi}")
            b.op("add {hi}, {hi}, {hi}, asr #31")
            b.op("ldr {lo}, [sp, #{half}]", half=half)
            b.op("add {hi}, {hi}, {lo}")
        b.op("asr {hi}, {hi}, {low}")
        b.op("ssat {total}, #8, {hi}", total=total)


def narrow(b: Block, sums: Sequence[str], multiplier: str, positive: bool) -> None:
    """Sums to int16, or to its positive half: the high word of a product, rounded; `LOW` and `HIGH`
    are overwritten."""
    for total in sums:
        b.op(f"smull {LOW}, {HIGH}, {total}, {multiplier}")
        b.op(f"add {total}, {HIGH}, {LOW}, lsr #31")
        b.op(f"usat {total}, #15, {total}" if positive else f"ssat {total}, #16, {total}")


@noted
def clamp(b: Block, sums: Sequence[str], low: str, high: str) -> None:
    """Outputs to a range narrower than int8."""
    for total in sums:
        for bound, condition in ((low, "lt"), (high, "gt")):
            b.op(f"cmp {total}, {bound}")
            b.op(f"it {condition}")
            b.op(f"mov{condition} {total}, {bound}")
