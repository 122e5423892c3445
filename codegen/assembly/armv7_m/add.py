"""Sums of int8 tensors on Armv7-M: two multiply-accumulates and a shift for each element."""

from __future__ import annotations

from codegen.assembly.armv7_m.high_word import clamp
from codegen.assembly.block import Block
from codegen.assembly.sums import COUNT, FIRST, HIGH, LOW, OFFSET, SECOND, SHIFT

UNROLL = 4


def add(clamps: bool) -> Block:
    """``ek_affine_add_s8(f, a, b, y)``."""
    b = Block("add" + "_clamp" * clamps)
    b.name(f="r0", a="r1", b="r2", y="r3", first="r4", second="r5", offset="r6", shift="r7")
    b.name(count="r8", low="r9", high="r10", value="r11", other="r12")
    b.op("push {{r4-r11}}")
    fields = {"first": FIRST, "second": SECOND, "offset": OFFSET, "shift": SHIFT}
    fields |= {"count": COUNT, "low": LOW, "high": HIGH}
    for register, at in fields.items():
        b.op(f"ldr {{{register}}}, [{{f}}, #{at}]")
    b.op("rsb {shift}, {shift}, #0")
    singles, done = b.label(), b.label()
    b.op("subs {count}, {count}, #{n}", n=UNROLL)
    b.op("blo {to}", to=singles)
    with b.loop(f"subs {{count}}, {{count}}, #{UNROLL}", "bhs {head}"):
        for _ in range(UNROLL):
            _element(b, clamps)
    b.place(singles)
    b.op("adds {count}, {count}, #{n}", n=UNROLL)
    b.op("beq {to}", to=done)
    with b.loop("subs {count}, {count}, #1", "bne {head}"):
        _element(b, clamps)
    b.place(done)
    b.op("pop {{r4-r11}}")
    b.op("bx lr")
    return b


def _element(b: Block, clamps: bool) -> None:
    b.op("ldrsb {value}, [{a}], #1")
    b.op("ldrsb {other}, [{b}], #1")
    b.op("mla {value}, {value}, {first}, {offset}")
    b.op("mla {value}, {other}, {second}, {value}")
    b.op("asr {value}, {value}, {shift}")
    b.op("ssat {value}, #8, {value}")
    if clamps:
        clamp(b, [b.reg("value")], b.reg("low"), b.reg("high"))
    b.op("strb {value}, [{y}], #1")
