"""One column of inputs of a Winograd convolution (ek_winograd.h), channel by channel."""

from __future__ import annotations

import functools

from codegen.assembly.block import Block
from codegen.assembly.winograd_parts import POINT_BYTES, POINTS, RECORD_BYTES, WORD

COLUMN_INSTRUCTIONS = WORD * 24 + 4
"""For four channels of a column."""
MOVE_INSTRUCTIONS = 2 * POINTS + 2
"""For a pair of channels whose columns move on."""
ENTER_INSTRUCTIONS = 18
"""Of a call, beside those."""


@functools.cache
def columns_function() -> Block:
    """``void f(const ek_winograd_column *a)``."""
    b = Block("winograd_columns")
    b.name(v="lr")
    moved = b.label("moved")
    b.op("push {{r4-r11, lr}}")
    b.op("sub sp, #8")
    b.op("ldm r0, {{r6-r10}}")  # rows, at, words, v, moved
    b.op("mov {v}, r9")
    b.op("cmp r10, #0")
    b.op("beq {label}", label=moved)
    with b.loop("subs r10, #1", "bne {head}"):
        for _ in range(POINTS):
            b.op(f"ldrd r0, r1, [r9], #{POINT_BYTES}")
            b.op(f"strd r0, r1, [r9, #-{POINT_BYTES + 8}]")
    b.place(moved)
    b.op("mov r9, r7")
    b.op("ldm r6, {{r0-r5}}")
    for row in range(POINTS):
        b.op(f"add r{row}, r9")
    b.op("add r8, r0, r8, lsl #2")
    b.op("str r8, [sp]")
    b.name(d0="r6", d2="r7", d4="r8", even="r9", d1="r6", d3="r7", d5="r10", odd="r11")
    with b.loop(f"add {{v}}, #{2 * RECORD_BYTES}", "ldr r6, [sp]", "cmp r0, r6", "bne {head}"):
        for channel in range(WORD):
            _transform(b, channel)
    b.op("add sp, #8")
    b.op("pop {{r4-r11, pc}}")
    return b


def _transform(b: Block, channel: int) -> None:
    """The six values of a channel. Channels 0 and 2 are a pair, 1 and 3 the other."""
    at = channel % 2 * RECORD_BYTES + channel // 2 * 2

    def keep(register: str, point: int) -> None:
        b.op(f"strh {register}, [{{v}}, #{at + point * POINT_BYTES}]")

    for row, d in enumerate(("d0", "d2", "d4")):
        b.op(f"ldrsb {{{d}}}, [r{row}], #1")
    b.op("sub {even}, {d4}, {d2}, lsl #2")
    b.op("sub {d4}, {d4}, {d2}")
    b.op("rsb {d0}, {d2}, {d0}, lsl #2")
    b.op("add {d0}, {d0}, {even}")
    keep("{d0}", 4)
    for row, d in enumerate(("d1", "d3", "d5"), 3):
        b.op(f"ldrsb {{{d}}}, [r{row}], #1")
    b.op("sub {odd}, {d3}, {d1}, lsl #2")
    b.op("sub {d5}, {d5}, {d3}")
    b.op("sub {d3}, {d3}, {d1}")
    b.op("sub {d5}, {d5}, {d3}, lsl #2")
    keep("{d5}", 5)
    b.op("add r12, {even}, {odd}")
    keep("r12", 0)
    b.op("sub r12, {even}, {odd}")
    keep("r12", 1)
    b.op("add r12, {d4}, {d3}, lsl #1")
    keep("r12", 2)
    b.op("sub r12, {d4}, {d3}, lsl #1")
    keep("r12", 3)
