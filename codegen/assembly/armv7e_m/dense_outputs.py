"""What becomes of the sums of a dense layer: scaled and stored, four filters or a last pair."""

from __future__ import annotations

from collections.abc import Sequence

from codegen.assembly.armv7e_m import scaling
from codegen.assembly.armv7e_m.dense_frame import ARGUMENTS, LOCAL_BYTES, LOCALS, SUMS
from codegen.assembly.armv7e_m.pairs import multiply_pair
from codegen.assembly.armv7e_m.scaling import (
    CLAMP,
    EVEN_CLAMP,
    FLOAT_TAILS,
    SHIFT,
    TWICE,
    Constants,
)
from codegen.assembly.block import Block, noted

PAIR = SUMS[:2]
"""Sums of a last pair."""


@noted
def keep_sums(b: Block, block: str) -> None:
    """The sums themselves, four words a block."""
    b.op("asr r1, #8")
    b.op("asr r3, #8")
    b.op("ldr r8, [sp, #{o}]", o=LOCALS["end"])
    b.op("ldr r12, [sp, #{o}]", o=LOCALS["out"])
    b.op("stm r12!, {{r0-r3}}")
    b.op("str r12, [sp, #{o}]", o=LOCALS["out"])
    b.op("cmp {w}, r8")
    b.op("bne {block}", block=block)


def scale_sums(b: Block, sums: Sequence[str], tail: int, shift: int) -> None:
    """Sums to outputs, by the constants that follow the weights."""
    if tail not in (TWICE, SHIFT):
        saturate = "usat" if tail in (CLAMP, EVEN_CLAMP) else "ssat"
        b.op("ldm {w}!, {{r4-r{last}}}", last=3 + 2 * len(sums))
        for i, s in enumerate(sums):
            constants = Constants(f"r{4 + 2 * i}", f"r{5 + 2 * i}")
            if tail in FLOAT_TAILS:
                scaling.round_even(b, (s,), constants, saturate)
            else:
                scaling.scale(b, (s,), constants, shift + 8 * (i & 1), saturate)
    else:
        b.op("ldr r11, [sp, #{o}]", o=LOCALS["args"])
        b.op("ldr r11, [r11, #{o}]", o=ARGUMENTS["zero"])
        for i, s in enumerate(sums):
            b.op("ldrd r8, r9, [{w}], #8")
            constants = Constants("r8", "r9", "r10")
            if tail == TWICE:
                scaling.round_twice(b, (s,), constants, bool(i & 1), "r11")
            else:
                scaling.shift_each(b, (s,), constants, bool(i & 1))
    if tail in (CLAMP, SHIFT, EVEN_CLAMP):
        b.op("ldr r8, [sp, #{o}]", o=LOCALS["args"])
        b.op("ldrd r8, r9, [r8, #{o}]", o=ARGUMENTS["add"])
        scaling.clamp(b, sums, "r8", "r9")


def store_block(b: Block, block: str) -> None:
    """Four outputs, and on to the next four filters."""
    b.op("ldm sp, {{r8-r12}}")
    b.op("strb r1, [r12, r9]")
    b.op("strb r2, [r12, r10]")
    b.op("strb r3, [r12, r11]")
    b.op("strb r0, [r12], #4")
    b.op("str r12, [sp, #{o}]", o=LOCALS["out"])
    b.op("cmp {w}, r8")
    b.op("bne {block}", block=block)


@noted
def last_block(b: Block, block: str) -> None:
    """Filters that are no whole block: the last four, some of them once more."""
    done = b.label("done")
    b.op("ldr r4, [sp, #{o}]", o=LOCALS["spare"])
    b.op("cmp r4, #0")
    b.op("beq {done}", done=done)
    b.op("add r8, r4")
    b.op("str r8, [sp, #{o}]", o=LOCALS["end"])
    b.op("mov r4, #0")
    b.op("str r4, [sp, #{o}]", o=LOCALS["spare"])
    b.op("ldr r4, [sp, #{o}]", o=LOCALS["args"])
    b.op("ldr r4, [r4, #{o}]", o=ARGUMENTS["filters"])
    b.op("ldr r5, [sp, #{o}]", o=LOCALS["y"])
    b.op("add r5, r4")
    b.op("sub r5, #4")
    b.op("str r5, [sp, #{o}]", o=LOCALS["out"])
    b.op("b {block}", block=block)
    b.place(done)


@noted
def last_pair(b: Block, tiled: bool, tail: int, shift: int) -> None:
    """One or two filters that are left; a single one is both of its pair."""
    done = b.label("done")
    b.op("ldr r4, [sp, #{o}]", o=LOCALS["args"])
    b.op("ldr r4, [r4, #{o}]", o=ARGUMENTS["filters"])
    b.op("add r4, #1")
    b.op("tst r4, #2")  # of 4 filters, 1 or 2
    b.op("beq {done}", done=done)
    b.op("ldrd r0, r1, [{w}], #8")
    b.op("ldr r2, [sp, #{o}]", o=LOCALS["x_end"])
    if tiled:
        b.op("add {at}, sp, #{o}", o=LOCAL_BYTES)
    else:
        b.op("ldr {at}, [sp, #{o}]", o=LOCALS["x"])
    with b.loop("cmp {at}, r2", "bne {head}"):
        _pair_products(b, tiled)
    b.op("sub r1, r0")
    scale_sums(b, PAIR, tail, shift)
    b.op("ldr r4, [sp, #{o}]", o=LOCALS["args"])
    b.op("ldr r4, [r4, #{o}]", o=ARGUMENTS["filters"])
    b.op("ldr r5, [sp, #{o}]", o=LOCALS["y"])
    b.op("subs r4, #2")
    b.op("it pl")
    b.op("strbpl r0, [r5, r4]")
    b.op("add r4, #1")
    b.op("strb r1, [r5, r4]")
    b.place(done)


@noted
def _pair_products(b: Block, tiled: bool) -> None:
    """Eight inputs times a pair of filters."""
    if tiled:
        b.op("ldm {at}!, {{r8-r11}}")
    else:
        for even, odd in (("r8", "r9"), ("r10", "r11")):
            b.op(f"ldr {even}, [{{at}}], #4")
            b.op(f"sxtb16 {odd}, {even}, ror #8")
            b.op(f"sxtb16 {even}, {even}")
    b.op("ldm {w}!, {{r4-r7}}")
    for x, word in zip(("r8", "r9", "r10", "r11"), ("r4", "r5", "r6", "r7"), strict=True):
        multiply_pair(b, x, word, PAIR)
