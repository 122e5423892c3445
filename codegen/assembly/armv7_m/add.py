"""Sums of int8 tensors on Armv7-M: two multiply-accumulates and a shift that saturates for each
element. The shift is part of the instruction, so there is one function for each."""

from __future__ import annotations

from codegen.assembly.armv7_m.high_word import clamp
from codegen.assembly.block import Block
from codegen.assembly.sums import COUNT, FIRST, HIGH, LOW, OFFSET, SECOND

UNROLL = 4


def add(clamps: bool, shift: int) -> Block:
    """``ek_affine_add_s8(f, a, b, y)``."""
    b = Block(f"add_{shift}" + "_clamp" * clamps)
    b.name(f="r0", a="r1", b="r2", y="r3", first="r4", second="r5", offset="r6")
    b.name(count="r7", low="r8", high="r9", value="r10", other="r12")
    b.op("push {{r4-r10}}")
    fields = {"first": FIRST, "second": SECOND, "offset": OFFSET, "count": COUNT}
    if clamps:
        fields |= {"low": LOW, "high": HIGH}
    for register, at in fields.items():
        b.op(f"ldr {{{register}}}, [{{f}}, #{at}]")
    singles, done = b.labels("singles done")
    b.op("subs {count}, {count}, #{n}", n=UNROLL)
    b.op("blo {to}", to=singles)
    with b.loop(f"subs {{count}}, {{count}}, #{UNROLL}", "bhs {head}"):
        for _ in range(UNROLL):
            _element(b, clamps, shift)
    b.place(singles)
    b.op("adds {count}, {count}, #{n}", n=UNROLL)
    b.op("beq {to}", to=done)
    with b.loop("subs {count}, {count}, #1", "bne {head}"):
        _element(b, clamps, shift)
    b.place(done)
    b.op("pop {{r4-r10}}")
    b.op("bx lr")
    return b


def _element(b: Block, clamps: bool, shift: int) -> None:
    b.op("ldrsb {value}, [{a}], #1")
    b.op("ldrsb {other}, [{b}], #1")
    b.op("mla {value}, {value}, {first}, {offset}")
    b.op("mla {value}, {other}, {second}, {value}")
    b.op("ssat {value}, #8, {value}, asr #{shift}", shift=shift)
    if clamps:
        clamp(b, [b.reg("value")], b.reg("low"), b.reg("high"))
    b.op("strb {value}, [{y}], #1")
