"""The functions of Winograd convolutions (ek_winograd.h): columns of inputs, tiles of outputs."""

from __future__ import annotations

import functools
from collections.abc import Iterator
from contextlib import contextmanager

from codegen.assembly.armv7e_m.scaling import (
    CLAMP,
    SCALE,
    SHIFT_BITS,
    TWICE,
    Constants,
    clamp,
    scale,
)
from codegen.assembly.block import Block, offsets

ARGUMENTS = (
    "v", "weights", "slots", "waiting", "q", "y0", "y1", "y2", "y3", "distance",
    "pairs", "blocks", "first", "last", "tail", "zero", "add", "subtract", "entry",
)  # fmt: skip
"""``ek_winograd_tile``, in the order of its definition."""
_PLACES = offsets((*ARGUMENTS, "rewind", "slot", "end", "done", "start"))
FRAME = {**_PLACES, "start_end": _PLACES["v"], "row_end": _PLACES["pairs"]}
"""At the stack pointer: the arguments, then variables; two take the places of arguments that are
no longer needed."""
FRAME_BYTES = -(-4 * len(_PLACES) // 8) * 8
ROWS, POINTS, TAPS, FILTERS, SUMS = 4, 6, 3, 4, 8
POINT_BYTES = 16
"""Of the four columns of a pair of channels."""
RECORD_BYTES = POINTS * POINT_BYTES
ROW_BYTES = 4 * SUMS
SLOT_BYTES = 5 * ROW_BYTES
"""Sums after each of the first five points. The last four of the rows of outputs take the places of
the first three, row 0 is in the last."""
ROW_SLOTS = (4 * ROW_BYTES, 0, ROW_BYTES, 2 * ROW_BYTES)
WAITING_BYTES = ROWS * ROW_BYTES
Q_BYTES = 4 * FILTERS * 3
TWICE_DIVIDED = 5
"""Beside the forms of `scaling`, as ``ek_winograd.h`` numbers it: `TWICE` with the 24 in the
multiplier."""
LAYER_SHIFT = 8
"""Of scaled sums, which are 24 times those of other kernels: suits nearly every scale."""
UNROLL = 8
"""Pairs of channels in a loop; a sum of fewer begins inside it."""
PAIR_INSTRUCTIONS = 33
PAIR_BYTES = 4 * PAIR_INSTRUCTIONS
"""All instructions have four bytes."""
COLUMN_INSTRUCTIONS = 70
"""For four channels of a column."""
_THIRD = 0xAAAAAAAB
"""Three times this is 1 modulo 2**32."""
OUTPUTS, CONSTANTS = ("r0", "r1"), Constants("r2", "r3")
"""Of one filter: a row in both columns, and what scales it."""
_SUM_REGISTERS = tuple(f"r{i}" for i in range(SUMS))


@functools.cache
def columns_function() -> Block:
    """``void f(const ek_winograd_column *a)``.

    Bytes plus 128 are not negative, so that halfwords can be shifted and added as words; only
    differences need halves of their own.
    """
    b = Block("winograd_columns")
    b.name(at="r0", t="r1", bias="r12", v="lr")
    moved = b.label()
    b.op("push {{r4-r11, lr}}")
    b.op("sub sp, #24")
    b.op("ldm r0, {{r0-r4}}")  # rows, at, words, v, moved
    b.op("mov {v}, r3")
    b.op("cbz r4, {label}", label=moved)
    with b.loop("subs r4, #1", "bne {head}"):
        for _ in range(POINTS):
            b.op(f"ldrd r6, r7, [r3], #{POINT_BYTES}")
            b.op(f"strd r6, r7, [r3, #-{POINT_BYTES + 8}]")
    b.place(moved)
    b.op("add r1, r1, r2, lsl #2")
    b.op("ldm r0, {{r4-r9}}")
    for r in range(4, 10):
        b.op(f"add r{r}, r1")
    b.op("stm sp, {{r4-r9}}")
    b.op("rsb {at}, r2, #0")
    b.op("lsl {at}, #2")
    b.op("mov {bias}, #0x00800080")
    with b.loop("adds {at}, #4", "bne {head}"):
        _even_rows(b)
        _odd_rows(b)
        b.op(f"add {{v}}, #{2 * RECORD_BYTES}")
    b.op("add sp, #24")
    b.op("pop {{r4-r11, pc}}")
    return b


def _load_rows(b: Block) -> None:
    for r in ("r2", "r3", "r4"):
        b.op(f"ldr {r}, [{r}, {{at}}]")


def _expand(b: Block, into: tuple[str, str, str], turned: str) -> None:
    for to, word in zip(into, ("r2", "r3", "r4"), strict=True):
        b.op(f"sxtab16 {to}, {{bias}}, {word}{turned}")


def _even_rows(b: Block) -> None:
    """Value 4 of both pairs of channels, and the parts of values 0 to 3 in r8 to r11."""
    b.op("ldm sp, {{r2, r3, r4}}")
    _load_rows(b)
    both = (
        (("r5", "r6", "r7"), "r8", "r9", ""),
        (("r2", "r3", "r4"), "r10", "r11", ", ror #8"),
    )
    for pair, ((d0, d2, d4), even, near, turned) in enumerate(both):
        _expand(b, (d0, d2, d4), turned)
        b.op(f"add {d0}, {d4}, {d0}, lsl #2")
        b.op(f"add {even}, {d2}, {d2}, lsl #2")
        b.op(f"ssub16 {d0}, {d0}, {even}")
        b.op(f"str {d0}, [{{v}}, #{pair * RECORD_BYTES + 4 * POINT_BYTES}]")
        b.op(f"lsl {even}, {d2}, #2")
        b.op(f"ssub16 {even}, {d4}, {even}")
        b.op(f"ssub16 {near}, {d4}, {d2}")


def _odd_rows(b: Block) -> None:
    b.op("ldrd r2, r3, [sp, #12]")
    b.op("ldr r4, [sp, #20]")
    _load_rows(b)
    both = (
        (("r5", "r6", "r7"), "r8", "r9", ""),
        (("r2", "r3", "r4"), "r10", "r11", ", ror #8"),
    )
    for pair, ((d1, d3, d5), even, near, turned) in enumerate(both):
        _expand(b, (d1, d3, d5), turned)
        b.op(f"add {d5}, {d5}, {d1}, lsl #2")
        b.op(f"add {{t}}, {d3}, {d3}, lsl #2")
        b.op(f"ssub16 {d5}, {d5}, {{t}}")
        b.op(f"lsl {{t}}, {d1}, #2")
        b.op(f"ssub16 {{t}}, {d3}, {{t}}")
        b.op(f"ssub16 {d3}, {d3}, {d1}")
        b.op(f"sadd16 {d3}, {d3}, {d3}")
        b.op(f"sadd16 {d1}, {even}, {{t}}")
        b.op(f"ssub16 {even}, {even}, {{t}}")
        b.op(f"sadd16 {{t}}, {near}, {d3}")
        b.op(f"ssub16 {near}, {near}, {d3}")
        for place, value in ((5, d5), (0, d1), (1, even), (2, "{t}"), (3, near)):
            b.op(f"str {value}, [{{v}}, #{pair * RECORD_BYTES + place * POINT_BYTES}]")


@functools.cache
def tile_function() -> Block:
    """``void f(const ek_winograd_tile *a)``."""
    b = Block("winograd_tile")
    b.name(c0="r8", c1="r9", w0="r10", w1="r11", v="r12", w="lr")
    each, enter, multiplied, finish, scaled = (b.label() for _ in range(5))
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
    _scale(b)
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
    head = b.label()
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
    scale_now, copied = b.label(), b.label()
    b.op("ldrd r0, r1, [sp, #{o}]", o=FRAME["first"])
    b.op("ldr r9, [sp, #{o}]", o=FRAME["waiting"])
    b.op("cbz r0, {label}", label=copied)
    b.op("cmp r1, #0")
    b.op("bne {label}", label=scale_now)
    for offset in ROW_SLOTS:
        b.op(f"add r8, r10, #{offset}")
        b.op("ldm r8, {{r0-r7}}")
        b.op("stm r9!, {{r0-r7}}")
    b.op("str r9, [sp, #{o}]", o=FRAME["waiting"])
    b.op("b {label}", label=scaled)
    b.place(copied)
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


@contextmanager
def _filters(b: Block) -> Iterator[None]:
    """For each filter of the block: r2 and r3 are its constants, r12 its sums."""
    with b.loop("add r12, #8", f"ldr r0, [sp, #{FRAME['row_end']}]", "cmp r12, r0", "bne {head}"):
        b.op("ldrd r2, r3, [r11], #8")
        yield


@contextmanager
def _outputs(b: Block, row: int) -> Iterator[None]:
    """A row of the filter: r0 and r1 become its outputs in both columns."""
    b.op(f"ldrd r0, r1, [r12, #{ROW_SLOTS[row]}]")
    yield
    b.op(f"strb r1, [r{4 + row}, r10]")
    b.op(f"strb r0, [r{4 + row}], #1")


def _scale(b: Block) -> None:
    """Outputs of four rows, filter by filter, by one of three forms."""
    twice, divided, clamped, scaled, written = (b.label() for _ in range(5))
    b.op("ldr r12, [sp, #{o}]", o=FRAME["slots"])
    b.op("ldr r11, [sp, #{o}]", o=FRAME["q"])
    b.op(f"add r11, #{4 * FILTERS}")
    b.op("add r4, sp, #{o}", o=FRAME["y0"])
    b.op("ldm r4, {{r4-r7, r10}}")
    b.op("ldr r0, [sp, #{o}]", o=FRAME["tail"])
    for tail, label in (
        (CLAMP, clamped),
        (SCALE, scaled),
        (TWICE_DIVIDED, divided),
        (TWICE, twice),
    ):
        b.op(f"cmp r0, #{tail}")
        b.op("beq {label}", label=label)
    _scale_shifted(b)
    b.op("b {label}", label=written)
    b.place(clamped)
    b.op("ldrd r8, r9, [sp, #{o}]", o=FRAME["add"])
    with _filters(b):
        for row in range(ROWS):
            with _outputs(b, row):
                scale(b, OUTPUTS, CONSTANTS, LAYER_SHIFT, "usat")
                clamp(b, OUTPUTS, "r8", "r9")
    b.op("b {label}", label=written)
    b.place(twice)
    _scale_twice(b, divided=False)
    b.op("b {label}", label=written)
    b.place(divided)
    _scale_twice(b, divided=True)
    b.op("b {label}", label=written)
    b.place(scaled)
    with _filters(b):
        for row in range(ROWS):
            with _outputs(b, row):
                scale(b, OUTPUTS, CONSTANTS, LAYER_SHIFT, "ssat")
    b.place(written)
    b.op("add r8, sp, #{o}", o=FRAME["y0"])
    b.op("stm r8, {{r4-r7}}")


def _scale_shifted(b: Block) -> None:
    b.op("ldrd r9, lr, [sp, #{o}]", o=FRAME["add"])
    with _filters(b):
        b.op(f"and r8, r3, #{(1 << SHIFT_BITS) - 1}")
        b.op(f"asr r3, #{SHIFT_BITS}")
        for row in range(ROWS):
            with _outputs(b, row):
                for s in OUTPUTS:
                    b.op(f"smmlar {s}, {s}, r2, r3")
                    b.op(f"asr {s}, r8")
                    b.op(f"usat {s}, #8, {s}")
                clamp(b, OUTPUTS, "r9", "lr")


def _scale_twice(b: Block, divided: bool) -> None:
    """Outputs rounded twice.

    Args:
        b: the block.
        divided: multipliers are for 24 times the sums. Else, times a third of 1, these become eight
            times the sums.
    """
    if not divided:
        b.op(f"movw lr, #{_THIRD & 0xFFFF}")
        b.op(f"movt lr, #{_THIRD >> 16}")
    with _filters(b):
        b.op("ldr r9, [sp, #{o}]", o=FRAME["zero"])
        b.op("sub r8, r3, #1")
        b.op("lsl r8, r9, r8")
        for row in range(ROWS):
            with _outputs(b, row):
                for s in OUTPUTS:
                    if not divided:
                        b.op(f"mul {s}, {s}, lr")
                        b.op(f"asr {s}, #2")
                    b.op(f"smmlar r9, {s}, r2, r8")
                    b.op(f"add {s}, r9, {s}, asr #31")
                    b.op(f"asr {s}, r3")
                    b.op(f"ssat {s}, #8, {s}")
