"""Sums of int8 tensors on Armv6-M: two products and a shift for each element.

The shift is part of the instruction, so there is one function for each."""

from __future__ import annotations

from codegen.assembly.armv6_m.frame import enter, keep, leave
from codegen.assembly.armv6_m.high_word import clamp_to_places, saturate
from codegen.assembly.block import Block
from codegen.assembly.sums import COUNT, FIRST, HIGH, LOW, OFFSET, SECOND

LEAST, MOST = 0, 4
FRAME = 8


def add(clamps: bool, shift: int) -> Block:
    """``ek_affine_add_s8(f, a, b, y)``."""
    b = Block(f"add_{shift}" + "_clamp" * clamps)
    b.name(sum="r0", part="r4", hi="r4", a="r1", b="r2", y="r3", at="r5", first="r6", second="r7")
    b.name(offset="r8")
    enter(b, FRAME)
    keep(b, "r0", (LOW, LEAST), (HIGH, MOST))
    b.op("ldr r4, [r0, #{field}]", field=OFFSET)
    b.op("mov {offset}, r4")
    b.op("ldr {first}, [r0, #{field}]", field=FIRST)
    b.op("ldr {second}, [r0, #{field}]", field=SECOND)
    b.note("the index counts up to zero at the ends of the tensors")
    b.op("ldr r4, [r0, #{field}]", field=COUNT)
    for pointer in ("a", "b", "y"):
        b.op(f"adds {{{pointer}}}, {{{pointer}}}, r4")
    b.op("rsbs {at}, r4, #0")
    with b.loop("adds {at}, #1", "bne {head}"):
        b.op("ldrsb {sum}, [{a}, {at}]")
        b.op("ldrsb {part}, [{b}, {at}]")
        b.op("muls {sum}, {first}")
        b.op("muls {part}, {second}")
        b.op("add {part}, {offset}")
        b.op("adds {hi}, {part}, {sum}")
        b.op("asrs {hi}, {hi}, #{shift}", shift=shift)
        saturate(b)
        if clamps:
            clamp_to_places(b, LEAST, MOST)
        b.op("strb {sum}, [{y}, {at}]")
    leave(b, FRAME)
    return b
