"""Requantization to int16 on Armv6-M: TFLite's multipliers have fifteen bits, so that two products
of 16 bits are enough."""

from __future__ import annotations

from codegen.assembly.block import Block, noted


@noted
def load_scale(b: Block, table: int) -> None:
    """A filter's multiplier to r5, half of its step to r6, its shift to r7, by way of r0.

    Args:
        b: the function.
        table: place of the pointer to the next filter's word, as an offset from the stack pointer.
    """
    b.name(multiplier="r5", half="r6", shift="r7", word="r0")
    b.op("ldr {half}, [sp, #{at}]", at=table)
    b.op("ldm {half}!, {{{word}}}")
    b.op("str {half}, [sp, #{at}]", at=table)
    b.op("uxth {multiplier}, {word}")
    b.op("lsrs {word}, {word}, #16")
    b.op("movs {half}, #1")
    b.op("lsls {half}, {half}, #31")
    b.op("lsrs {half}, {word}")
    b.op("movs {shift}, #16")
    b.op("subs {shift}, {shift}, {word}")


@noted
def narrow(b: Block, positive: bool) -> None:
    """r0: a sum to int16, or to its positive half. Needs r5 to r7 of `load_scale`; r1 is
    overwritten.

    The product is ``upper * 2**16 + lower`` and its shift at least 16, so that the lower sixteen
    bits of ``lower`` only matter with the rounding, which is added before they go.
    """
    b.name(sum="r0", lower="r1")
    fits = b.label("fits")
    b.op("uxth {lower}, {sum}")
    b.op("asrs {sum}, {sum}, #16")
    b.op("muls {lower}, {multiplier}")
    b.op("muls {sum}, {multiplier}")
    b.op("adds {lower}, {lower}, {half}")
    b.op("lsrs {lower}, {lower}, #16")
    b.op("adds {sum}, {sum}, {lower}")
    b.op("asrs {sum}, {shift}")
    if positive:
        b.op("lsrs {lower}, {sum}, #15")
    else:
        b.op("sxth {lower}, {sum}")
        b.op("cmp {lower}, {sum}")
    b.op("beq {to}", to=fits)
    b.op("mvns {lower}, {sum}")  # 0 or -1 for what is too small or too large
    b.op("asrs {lower}, {lower}, #31")
    b.op("lsrs {lower}, {lower}, #17")
    if not positive:  # -32768 or 32767
        b.op("asrs {sum}, {sum}, #31")
        b.op("lsls {sum}, {sum}, #15")
        b.op("orrs {lower}, {sum}")
    b.op("mov {sum}, {lower}")
    b.place(fits)
