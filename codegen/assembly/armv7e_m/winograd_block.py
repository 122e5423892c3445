"""Tiles of outputs of a Winograd convolution (ek_winograd.h): four rows, two columns."""

from __future__ import annotations

import functools

from codegen.assembly.armv7e_m.winograd_frame import (
    FRAME,
    FRAME_BYTES,
    ROW_SLOTS,
    SLOT_BYTES,
    UNROLL,
)
from codegen.assembly.armv7e_m.winograd_outputs import scale_outputs
from codegen.assembly.block import Block
from codegen.assembly.winograd_parts import (
    POINT_BYTES,
    Q_BYTES,
    RECORD_BYTES,
    ROW_BYTES,
    SUMS,
    TAPS,
    WAITING_BYTES,
)

_SUM_REGISTERS = tuple(f"r{i}" for i in range(SUMS))


@functools.cache
def tile_function() -> Block:
    """``void f(const ek_winograd_tile *a)``."""
    b = Block("winograd_tile")
    b.name(c0="r8", c1="r9", w0="r10", w1="r11", v="r12", w="lr")
    each, enter, multiplied, finish, scaled = b.labels("each enter multiplied finish scaled")
    _enter(b, multiplied)
    b.place(each)
    _begin(b)
    b.place(enter)
    b.op("ldr pc, [sp, #{o}]", o=FRAME["entry"])
    _multiply(b, multiplied)
    _keep(b, enter)
    b.op("ldr r10, [sp, #{o}]", o=FRAME["slots"])
    b.op("sub r9, r10")
    b.op(f"cmp r9, #{3 * ROW_BYTES}")
    b.op("beq {label}", label=finish)
    _combine(b)
    b.op("b {label}", label=enter)
    b.place(finish)
    b.op("str {w}, [sp, #{o}]", o=FRAME["weights"])
    _wait(b, scaled)
    scale_outputs(b)
    b.place(scaled)
    b.op("ldr r0, [sp, #{o}]", o=FRAME["q"])
    b.op(f"add r0, #{Q_BYTES}")
    b.op("str r0, [sp, #{o}]", o=FRAME["q"])
    b.op("ldr {w}, [sp, #{o}]", o=FRAME["weights"])
    b.op("ldr r0, [sp, #{o}]", o=FRAME["blocks"])
    b.op("subs r0, #1")
    b.op("str r0, [sp, #{o}]", o=FRAME["blocks"])
    b.op("bne {label}", label=each)
    b.op(f"add sp, #{FRAME_BYTES}")
    b.op("pop {{r4-r11, pc}}")
    return b


def _enter(b: Block, multiplied: str) -> None:
    """Copy the arguments, find where sums begin and the points of the columns end."""
    b.op("push {{r4-r11, lr}}")
    b.op(f"sub sp, #{FRAME_BYTES}")
    b.op("ldm r0!, {{r1-r10}}")
    b.op("mov r11, sp")
    b.op("stm r11!, {{r1-r10}}")
    b.op("mov {w}, r2")
    b.op(f"sub r12, r1, #{RECORD_BYTES - 12}")
    b.op("ldm r0, {{r1-r9}}")
    b.op("stm r11!, {{r1-r9}}")
    b.op("add r2, r1, r1, lsl #1")
    b.op("lsl r2, #5")
    b.op("add r3, r12, r2")
    b.op(f"sub r2, #{POINT_BYTES}")
    b.op("str r2, [sp, #{o}]", o=FRAME["rewind"])
    b.op("str r12, [sp, #{o}]", o=FRAME["start"])
    b.op("str r3, [sp, #{o}]", o=FRAME["start_end"])
    b.op("adr r0, {label}", label=multiplied)
    b.op("sub r0, r9")
    b.op("add r0, #1")
    b.op("str r0, [sp, #{o}]", o=FRAME["entry"])
    b.op("ldr r0, [sp, #{o}]", o=FRAME["slots"])
    b.op(f"add r0, #{ROW_BYTES}")
    b.op("str r0, [sp, #{o}]", o=FRAME["row_end"])


def _begin(b: Block) -> None:
    """Sums of a block: their starts, where no others wait."""
    b.op("ldr r8, [sp, #{o}]", o=FRAME["q"])
    b.op("ldr r12, [sp, #{o}]", o=FRAME["first"])
    b.op("ldm r8, {{r8-r11}}")
    for i, s in enumerate(_SUM_REGISTERS):
        b.op(f"and {s}, r{8 + i // 2}, r12")
    b.op("ldr r8, [sp, #{o}]", o=FRAME["slots"])
    b.op("ldr {v}, [sp, #{o}]", o=FRAME["start"])
    b.op("ldr r9, [sp, #{o}]", o=FRAME["start_end"])
    b.op("strd r8, r9, [sp, #{o}]", o=FRAME["slot"])
    b.op(f"add r8, #{SLOT_BYTES}")
    b.op("str r8, [sp, #{o}]", o=FRAME["done"])


def _multiply(b: Block, multiplied: str) -> None:
    """All pairs of channels of a point. ``v`` is at the last column of the pair before."""
    head = b.label("head")
    b.place(head)
    for _ in range(UNROLL):
        for tap in range(TAPS):
            first, second = ("{c0}", "{c1}") if tap % 2 == 0 else ("{c1}", "{c0}")
            if tap == 0:
                b.op(f"ldrd {{c0}}, {{c1}}, [{{v}}, #{RECORD_BYTES - 12}]")
            elif tap == 1:
                b.op(f"ldr {{c0}}, [{{v}}, #{RECORD_BYTES - 4}]")
            else:
                b.op(f"ldr {{c1}}, [{{v}}, #{RECORD_BYTES}]!")
            for half in range(0, SUMS, 4):
                b.op("ldrd {w0}, {w1}, [{w}], #8")
                for i, (word, column) in enumerate(
                    (w, c) for w in ("{w0}", "{w1}") for c in (first, second)
                ):
                    s = _SUM_REGISTERS[half + i]
                    b.op(f"smlad {s}, {column}, {word}, {s}")
    b.place(multiplied)
    b.op("ldrd r10, r9, [sp, #{o}]", o=FRAME["end"])
    b.op("cmp {v}, r10")
    b.op("bne {head}", head=head)


def _keep(b: Block, enter: str) -> None:
    """Store the sums after a point; the next one goes on with them. r10: end of its columns, r9:
    end of the sums when these are the last for now."""
    b.op("ldrd r11, r8, [sp, #{o}]", o=FRAME["rewind"])
    b.op("stm r8!, {{r0-r7}}")
    b.op("sub {v}, r11")
    b.op(f"add r10, #{POINT_BYTES}")
    b.op("strd r8, r10, [sp, #{o}]", o=FRAME["slot"])
    b.op("cmp r8, r9")
    b.op("bne {label}", label=enter)


def _combine(b: Block) -> None:
    """Rows 1 and 2, and row 3 without its last point, from the sums after each of four points.

    With sums p1 to p4, near = p2, far = p4 - p2, odd = 2 p1 - p2, and 2 (p3 - p2) - far is the
    difference of points 2 and 3.
    """
    b.op("ldr r11, [sp, #{o}]", o=FRAME["row_end"])
    b.op("mov r9, r10")
    with b.loop("add r9, #8", "cmp r9, r11", "bne {head}"):
        for i in range(4):
            b.op(f"ldrd r{2 * i}, r{2 * i + 1}, [r9, #{i * ROW_BYTES}]")
        for p1, p2, p3, p4 in (("r0", "r2", "r4", "r6"), ("r1", "r3", "r5", "r7")):
            b.op(f"rsb {p1}, {p2}, {p1}, lsl #1")
            b.op(f"sub {p3}, {p2}")
            b.op(f"sub {p4}, {p2}")
            b.op(f"add {p2}, {p2}, {p4}, lsl #2")
            b.op(f"rsb {p3}, {p4}, {p3}, lsl #1")
            b.op(f"add {p4}, {p1}, {p3}, lsl #1")
            b.op(f"add {p1}, {p1}, {p3}, lsl #3")
        for row, first in ((1, 6), (2, 2), (3, 0)):
            b.op(f"strd r{first}, r{first + 1}, [r9, #{ROW_SLOTS[row]}]")
    b.op(f"add r8, r10, #{ROW_SLOTS[3]}")
    b.op("ldm r8, {{r0-r7}}")
    b.op("str r8, [sp, #{o}]", o=FRAME["slot"])
    b.op(f"add r8, #{ROW_BYTES}")
    b.op("str r8, [sp, #{o}]", o=FRAME["done"])


def _wait(b: Block, scaled: str) -> None:
    """Add sums that wait; where others follow, let these wait. r10: slots."""
    scale_now, added = b.labels("scale_now added")
    b.op("ldrd r0, r1, [sp, #{o}]", o=FRAME["first"])
    b.op("ldr r9, [sp, #{o}]", o=FRAME["waiting"])
    b.op("cbz r0, {label}", label=added)
    b.op("cmp r1, #0")
    b.op("bne {label}", label=scale_now)
    for offset in ROW_SLOTS:
        b.op(f"add r8, r10, #{offset}")
        b.op("ldm r8, {{r0-r7}}")
        b.op("stm r9!, {{r0-r7}}")
    b.op("str r9, [sp, #{o}]", o=FRAME["waiting"])
    b.op("b {label}", label=scaled)
    b.place(added)
    b.op("ldr r8, [sp, #{o}]", o=FRAME["row_end"])
    with b.loop("add r9, #8", "cmp r10, r8", "bne {head}"):
        for row, offset in enumerate(ROW_SLOTS):
            b.op(f"ldrd r4, r5, [r10, #{offset}]")
            b.op(f"ldrd r6, r7, [r9, #{row * ROW_BYTES}]")
            b.op("add r4, r6")
            b.op("add r5, r7")
            b.op(f"strd r4, r5, [r10, #{offset}]")
            b.op(f"strd r4, r5, [r9, #{row * ROW_BYTES}]")
        b.op("add r10, #8")
    b.op(f"add r9, #{WAITING_BYTES - ROW_BYTES}")
    b.op("str r9, [sp, #{o}]", o=FRAME["waiting"])
    b.op("cmp r1, #0")
    b.op("beq {label}", label=scaled)
    b.place(scale_now)
