"""Tiles of outputs of a Winograd convolution (ek_winograd.h): eight sums in registers.

A channel of a point takes 4 loads of columns, 12 of weights and 24 MLA.
"""

from __future__ import annotations

import functools

from codegen.assembly.armv7_m.high_word import clamp, halve, requantize
from codegen.assembly.block import Block, offsets
from codegen.assembly.winograd_parts import (
    COLUMNS,
    FILTERS,
    POINT_BYTES,
    POINTS,
    RECORD_BYTES,
    ROW_BYTES,
    SIGNED,
    SUMS,
    TAPS,
    WAITING_BYTES,
    WIDTH,
    WORD,
)

CLAMPED = 2
"""Beside `SIGNED` in the tail: outputs have a range narrower than int8."""
SLOT_BYTES = POINTS * ROW_BYTES
"""Sums after each of the points, which go on from one to the next."""
TURN_INSTRUCTIONS = WORD * (WIDTH + TAPS * FILTERS + TAPS * SUMS) + 3
"""For four channels of a point."""
POINT_INSTRUCTIONS = 12
"""Of a point, beside those."""
BLOCK_INSTRUCTIONS = 27 + FILTERS * (13 + COLUMNS * (POINTS + 9 + 3))
"""Of a block, beside its points and outputs."""
OUTPUT_INSTRUCTIONS = {
    tail: COLUMNS * (43 + 23 * (tail & SIGNED) + (26 if tail & CLAMPED else 0)) for tail in range(4)
}
"""Of a filter's eight outputs."""
_ARGUMENTS = (
    "v", "weights", "slots", "waiting", "q", "y0", "y1", "y2", "y3", "distance",
    "pairs", "blocks", "first", "last", "tail", "zero", "low", "high", "entry", "start", "factor",
)  # fmt: skip
"""``ek_winograd_tile``, in the order of its definition."""
_FRAME = offsets((*_ARGUMENTS, "extent", "end", "slot", "filter", "half", "plain"))
FRAME_BYTES = -(-4 * len(_FRAME) // 8) * 8
STACK_BYTES = FRAME_BYTES + 36
_PAIRS_BYTES = 2 * RECORD_BYTES
"""Of columns in a turn."""
_WEIGHTS_BYTES = 2 * WORD * TAPS * FILTERS
"""The same of weights."""
_LAST = RECORD_BYTES + 2 * (2 * WIDTH - 1)
"""Where the last value of a turn lies."""
_BEFORE = _PAIRS_BYTES - _LAST
"""How far before its columns ``v`` is, so that the last load moves it on; weights: by one."""


def _get(b: Block, register: str, name: str) -> None:
    b.op(f"ldr {register}, [sp, #{_FRAME[name]}]")


def _put(b: Block, register: str, name: str) -> None:
    b.op(f"str {register}, [sp, #{_FRAME[name]}]")


@functools.cache
def tile_function() -> Block:
    """``void f(const ek_winograd_tile *a)``."""
    b = Block("winograd_tile")
    b.name(v="r12", w="lr")
    _enter(b)
    with b.loop("bne.w {head}"):
        _multiply(b)
        _put(b, "lr", "weights")
        _finish(b)
        _get(b, "lr", "weights")
        _get(b, "r0", "blocks")
        b.op("subs r0, #1")
        _put(b, "r0", "blocks")
    b.op(f"add sp, #{FRAME_BYTES}")
    b.op("pop {{r4-r11, pc}}")
    return b


def _enter(b: Block) -> None:
    b.op("push {{r4-r11, lr}}")
    b.op(f"sub sp, #{FRAME_BYTES}")
    b.op("mov r12, sp")
    b.op("ldm r0!, {{r1-r11}}")
    b.op("stm r12!, {{r1-r11}}")
    b.op("mov lr, r2")
    b.op("sub lr, #2")
    b.op(f"sub r1, #{_BEFORE}")
    _put(b, "r1", "v")
    b.op("sub r4, r3")
    _put(b, "r4", "waiting")  # from the slots
    b.op("add r11, r11, r11, lsl #1")
    b.op(f"lsl r11, #{(RECORD_BYTES // 3).bit_length() - 1}")
    b.op("ldm r0, {{r1-r10}}")
    b.op("stm r12, {{r1-r10}}")
    _put(b, "r11", "extent")
    b.op("and r3, r2, r3")  # first and last
    _put(b, "r3", "plain")
    b.op("movs r0, #0")
    _put(b, "r0", "filter")


def _multiply(b: Block) -> None:
    """Sums after each point."""
    _get(b, "{v}", "v")
    _get(b, "r10", "extent")
    b.op("add r10, {v}")
    _put(b, "r10", "end")
    _get(b, "r10", "slots")
    _put(b, "r10", "slot")
    for s in range(SUMS):
        b.op(f"movs r{s}, #0")
    with b.loop("cmp r8, r9", "bne {head}"):
        with b.loop(f"ldr r10, [sp, #{_FRAME['end']}]", "cmp {v}, r10", "bne {head}"):
            for channel in range(WORD):
                _multiply_channel(b, *divmod(channel, 2))
        _get(b, "r8", "slot")
        b.op("stm r8!, {{r0-r7}}")
        _put(b, "r8", "slot")
        _get(b, "r9", "extent")
        b.op("sub {v}, r9")
        b.op(f"add {{v}}, #{POINT_BYTES}")
        b.op(f"add r10, #{POINT_BYTES}")
        _put(b, "r10", "end")
        _get(b, "r9", "slots")
        b.op(f"add r9, #{SLOT_BYTES}")


def _multiply_channel(b: Block, pair: int, half: int) -> None:
    """Four columns, of which each tap takes two neighbours."""
    at = _BEFORE + pair * RECORD_BYTES + 2 * half
    b.op(f"ldrsh r8, [{{v}}, #{at}]")
    for tap in range(TAPS):
        first, second = ("r8", "r9") if tap % 2 == 0 else ("r9", "r8")
        place = at + 4 * (tap + 1)
        moves = "!" if place == _PAIRS_BYTES else ""
        b.op(f"ldrsh {second}, [{{v}}, #{place}]{moves}")
        for f in range(FILTERS):
            weight, place = f"r{10 + f % 2}", 4 * ((pair * TAPS + tap) * FILTERS + f) + 2 * half + 2
            moves = "!" if place == _WEIGHTS_BYTES else ""
            b.op(f"ldrsh {weight}, [{{w}}, #{place}]{moves}")
            for s, column in ((2 * f, first), (2 * f + 1, second)):
                b.op(f"mla r{s}, {weight}, {column}, r{s}")


def _finish(b: Block) -> None:
    """Sums of the points become outputs, or wait. r6: sums of a filter, lr: its number."""
    _get(b, "r6", "slots")
    _get(b, "r7", "factor")
    _get(b, "lr", "filter")
    closing = (
        "add lr, #1",
        f"add r6, #{4 * COLUMNS}",
        f"ldr r11, [sp, #{_FRAME['slots']}]",
        f"add r11, #{ROW_BYTES}",
        "cmp r6, r11",
        "bne.w {head}",
    )
    with b.loop(*closing):
        _get(b, "r12", "q")
        b.op("ldm r12!, {{r8, r9, r10}}")
        _put(b, "r12", "q")
        for column in range(COLUMNS):
            _finish_column(b, column)
            _get(b, "r11", "distance")
            b.op("add lr, r11" if column == 0 else "sub lr, r11")
    _put(b, "lr", "filter")
    _get(b, "r11", "waiting")
    b.op(f"add r11, #{WAITING_BYTES}")
    _put(b, "r11", "waiting")


def _finish_column(b: Block, column: int) -> None:
    """Four rows of a filter."""
    whole, twice, scaled, ready, done = b.labels("whole twice scaled ready done")
    rows = _combine(b, column)
    _get(b, "r11", "plain")
    b.op("cmp r11, #0")
    b.op("bne {label}", label=whole)
    _wait(b, rows, column, whole, done)
    b.place(whole)
    for y in rows:
        b.op(f"mul {y}, {y}, r7")
        b.op(f"asr {y}, {y}, #3")
    _get(b, "r11", "tail")
    b.op(f"tst r11, #{SIGNED}")
    b.op("bne {label}", label=twice)
    requantize(b, rows, None)
    b.op("b {label}", label=scaled)
    b.place(twice)
    _get(b, "r11", "zero")
    halve(b, _FRAME["half"])
    requantize(b, rows, _FRAME["half"])
    b.place(scaled)
    _get(b, "r11", "tail")
    b.op(f"tst r11, #{CLAMPED}")
    b.op("beq {label}", label=ready)
    _get(b, "r11", "low")
    _get(b, "r12", "high")
    clamp(b, rows, "r11", "r12")
    b.place(ready)
    for row, y in enumerate(rows):
        _get(b, "r11", f"y{row}")
        b.op(f"strb {y}, [r11, lr]")
    b.place(done)


def _combine(b: Block, column: int) -> tuple[str, ...]:
    """Rows 0 to 3 from the sums after each point; their registers. See the block of Armv7E-M."""
    for point in range(POINTS):
        b.op(f"ldr r{point}, [r6, #{point * ROW_BYTES + 4 * column}]")
    b.name(p1="r0", p2="r1", p3="r2", p4="r3", p5="r4", p6="r5")
    b.op("rsb {p1}, {p2}, {p1}, lsl #1")
    b.op("sub {p3}, {p2}")
    b.op("sub {p4}, {p2}")
    b.op("add {p2}, {p2}, {p4}, lsl #2")
    b.op("rsb {p3}, {p4}, {p3}, lsl #1")
    b.op("sub {p6}, {p5}")
    b.op("add {p6}, {p1}")
    b.op("add {p6}, {p6}, {p3}, lsl #3")
    b.op("add {p1}, {p1}, {p3}, lsl #1")
    return "r4", "r0", "r1", "r5"


def _wait(b: Block, rows: tuple[str, ...], column: int, whole: str, done: str) -> None:
    """Add sums that wait; where others follow, let these wait."""
    added = b.label("added")
    _get(b, "r11", "waiting")
    b.op("add r11, r6")
    _get(b, "r12", "first")
    b.op("cmp r12, #0")
    b.op("bne {label}", label=added)
    for row, y in enumerate(rows):
        b.op(f"ldr r12, [r11, #{row * ROW_BYTES + 4 * column}]")
        b.op(f"add {y}, r12")
    b.place(added)
    _get(b, "r12", "last")
    b.op("cmp r12, #0")
    b.op("bne {label}", label=whole)
    for row, y in enumerate(rows):
        b.op(f"str {y}, [r11, #{row * ROW_BYTES + 4 * column}]")
    b.op("b {label}", label=done)
