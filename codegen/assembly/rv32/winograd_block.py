"""Tiles of outputs of a Winograd convolution (ek_winograd.h): eight sums in registers.

A channel of a point takes 4 loads of columns, 12 of weights, 24 multiplications and 24 additions.
"""

from __future__ import annotations

import functools

from codegen.assembly.block import offsets
from codegen.assembly.rv32.blocks import ENTRY, load_constants
from codegen.assembly.rv32.outputs import scale, scale_signed
from codegen.assembly.rv32.registers import SAVED, STACK_ALIGN, Function
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

SLOT_BYTES = POINTS * ROW_BYTES
"""Sums after each of the points, which go on from one to the next."""
TURN_INSTRUCTIONS = WORD * (WIDTH + TAPS * FILTERS + 2 * TAPS * SUMS) + 3
"""For four channels of a point."""
POINT_INSTRUCTIONS = 8 + SUMS
"""Of a point, beside those."""
BLOCK_INSTRUCTIONS = 26 + FILTERS * (13 + COLUMNS * (POINTS + 16))
"""Of a block, beside its points and outputs."""
OUTPUT_INSTRUCTIONS = {0: 72, SIGNED: 112}
"""Of a filter's eight outputs, of which a third are clamped."""
_ARGUMENTS = offsets((
    "v", "weights", "slots", "waiting", "q", "y0", "y1", "y2", "y3", "distance",
    "pairs", "blocks", "first", "last", "tail", "zero", "low", "top", "entry", "start", "factor",
))  # fmt: skip
"""``ek_winograd_tile``, in the order of its definition."""
_WORDS = ("waiting", "extent")
STACK_BYTES = -(-4 * (len(_WORDS) + len(SAVED)) // STACK_ALIGN) * STACK_ALIGN
_SUMS = tuple(f"s{i}" for i in range(SUMS))
_OUTPUTS = ("s8", "s9", "s10", "s11")
"""Where the four rows of the next filter go."""
_WEIGHT_BYTES = 2 * TAPS * FILTERS
"""Of a channel."""


@functools.cache
def tile_function() -> Function:
    """``void f(const ek_winograd_tile *a)``."""
    b = Function("winograd_tile", _WORDS)
    b.name(a="a0", w="t2", q="t4", slot="t5", left="ra")
    _enter(b)
    with b.loop("addi {left}, {left}, -1", "bnez {left}, {head}"):
        _multiply(b)
        _finish(b)
    b.finish()
    return b


def _argument(b: Function, register: str, name: str) -> None:
    b.op("lw {r}, {at}({a})", r=register, at=_ARGUMENTS[name])


def _enter(b: Function) -> None:
    _argument(b, b.reg("w"), "weights")
    _argument(b, b.reg("q"), "q")
    _argument(b, b.reg("left"), "blocks")
    for row, register in enumerate(_OUTPUTS):
        _argument(b, register, f"y{row}")
    _argument(b, "t0", "waiting")
    b.store("t0", "waiting")
    _argument(b, "t0", "pairs")
    b.op("slli t1, t0, 1")
    b.op("add t0, t0, t1")
    b.op(f"slli t0, t0, {(RECORD_BYTES // 3).bit_length() - 1}")
    b.store("t0", "extent")


def _multiply(b: Function) -> None:
    """Sums after each point."""
    b.name(v="a1", end="t3", point="t6", last="a2")
    _argument(b, "t0", "start")
    _argument(b, "t1", "first")
    for s in _SUMS:
        b.op(f"and {s}, t0, t1")
    _argument(b, b.reg("slot"), "slots")
    _argument(b, b.reg("point"), "v")
    points = (
        f"addi {{slot}}, {{slot}}, {ROW_BYTES}",
        f"addi {{point}}, {{point}}, {POINT_BYTES}",
        f"lw {{last}}, {_ARGUMENTS['slots']}({{a}})",
        f"addi {{last}}, {{last}}, {SLOT_BYTES}",
        "bne {slot}, {last}, {head}",
    )
    turns = (
        f"addi {{v}}, {{v}}, {2 * RECORD_BYTES}",
        f"addi {{w}}, {{w}}, {WORD * _WEIGHT_BYTES}",
        "bne {v}, {end}, {head}",
    )
    with b.loop(*points):
        b.op("mv {v}, {point}")
        b.load(b.reg("end"), "extent")
        b.op("add {end}, {end}, {v}")
        with b.loop(*turns):
            for pair in range(2):
                for half in range(2):
                    _multiply_channel(b, pair, half)
        for i, s in enumerate(_SUMS):
            b.op(f"sw {s}, {4 * i}({{slot}})")


def _multiply_channel(b: Function, pair: int, half: int) -> None:
    """Four columns, of which each tap takes two neighbours."""
    columns, weights = ("a2", "a3"), ("a4", "a5", "a6", "a7")
    at = pair * RECORD_BYTES + 2 * half
    b.op(f"lh {columns[0]}, {at}({{v}})")
    for tap in range(TAPS):
        first, second = columns if tap % 2 == 0 else columns[::-1]
        b.op(f"lh {second}, {at + 4 * (tap + 1)}({{v}})")
        for f, weight in enumerate(weights):
            place = 2 * ((pair * TAPS + tap) * FILTERS + f) + half
            b.op(f"lh {weight}, {2 * place}({{w}})")
        for f, weight in enumerate(weights):
            b.op(f"mul t0, {first}, {weight}")
            b.op(f"mul t1, {second}, {weight}")
            b.op(f"add {_SUMS[2 * f]}, {_SUMS[2 * f]}, t0")
            b.op(f"add {_SUMS[2 * f + 1]}, {_SUMS[2 * f + 1]}, t1")


def _finish(b: Function) -> None:
    """Sums of the points become outputs, or wait."""
    b.name(waiting="t3", first="t0", last="t1", distance="t6", tail="s7", zero="a5", low="a6")
    b.name(top="a7", multiplier="a1", offset="a2", shift="a3", correction="a4", t="s2", end="s3")
    b.name(factor="s6")
    for name in ("first", "last", "tail", "zero", "low", "top", "distance", "factor"):
        _argument(b, b.reg(name), name)
    b.load(b.reg("waiting"), "waiting")
    b.op(f"addi {{slot}}, {{slot}}, -{SLOT_BYTES}")
    steps = (
        f"addi {{slot}}, {{slot}}, {4 * COLUMNS}",
        f"addi {{waiting}}, {{waiting}}, {4 * COLUMNS}",
        f"addi {{q}}, {{q}}, {ENTRY}",
        *(f"addi {y}, {y}, 1" for y in _OUTPUTS),
        f"lw {{end}}, {_ARGUMENTS['slots']}({{a}})",
        f"addi {{end}}, {{end}}, {ROW_BYTES}",
        "bne {slot}, {end}, {head}",
    )
    with b.loop(*steps):
        load_constants(b, "q")
        for column in range(COLUMNS):
            _finish_column(b, column)
    b.op(f"addi {{waiting}}, {{waiting}}, {WAITING_BYTES - ROW_BYTES}")
    b.store(b.reg("waiting"), "waiting")


def _finish_column(b: Function, column: int) -> None:
    """Four rows of a filter."""
    added, complete, signed, done = b.labels("added complete signed done")
    rows = _combine(b, column)
    b.op("bnez {first}, {label}", label=added)
    for row, y in enumerate(rows):
        b.op("lw {t}, {at}({waiting})", at=row * ROW_BYTES + 4 * column)
        b.op("add {y}, {y}, {t}", y=y)
    b.place(added)
    b.op("bnez {last}, {label}", label=complete)
    for row, y in enumerate(rows):
        b.op("sw {y}, {at}({waiting})", y=y, at=row * ROW_BYTES + 4 * column)
    b.op("j {label}", label=done)
    b.place(complete)
    b.op("bnez {tail}, {label}", label=signed)
    for row, y in enumerate(rows):
        b.name(u=y)
        b.op("mul {u}, {u}, {factor}")
        scale(b)
        _clamp_and_store(b, row, column)
    b.op("j {label}", label=done)
    b.place(signed)
    b.op("srai {correction}, {shift}, 5")
    for row, y in enumerate(rows):
        b.name(u=y)
        b.op("mul {u}, {u}, {factor}")
        scale_signed(b)
        _clamp_and_store(b, row, column)
    b.place(done)


def _combine(b: Function, column: int) -> tuple[str, ...]:
    """Rows 0 to 3 from the sums p1 to p6 after each point; their registers.

    near = p2, far = p4 - p2, odd = 2 p1 - p2, and 2 (p3 - p2) - far is the difference of points 2
    and 3.
    """
    p = [f"s{i}" for i in range(POINTS)]
    for point, register in enumerate(p):
        b.op(f"lw {register}, {point * ROW_BYTES + 4 * column}({{slot}})")
    odd, near, twice, far, whole, rest = p
    b.op(f"slli {odd}, {odd}, 1")
    b.op(f"sub {odd}, {odd}, {near}")
    b.op(f"sub {twice}, {twice}, {near}")
    b.op(f"slli {twice}, {twice}, 1")
    b.op(f"sub {far}, {far}, {near}")
    b.op(f"sub {twice}, {twice}, {far}")
    b.op(f"slli {twice}, {twice}, 1")
    b.op(f"slli {far}, {far}, 2")
    b.op(f"add {near}, {near}, {far}")
    b.op(f"sub {rest}, {rest}, {whole}")
    b.op(f"add {rest}, {rest}, {odd}")
    b.op(f"add {odd}, {odd}, {twice}")
    b.op(f"slli {twice}, {twice}, 2")
    b.op(f"add {rest}, {rest}, {twice}")
    return whole, odd, near, rest


def _clamp_and_store(b: Function, row: int, column: int) -> None:
    """As `outputs.clamp_and_store`, for any clamp."""
    good, y = b.label("good"), _OUTPUTS[row]
    b.op("bgeu {top}, {u}, {good}", good=good)
    b.op("not {u}, {u}")
    b.op("srai {u}, {u}, 31")
    b.op("and {u}, {u}, {top}")
    b.place(good)
    b.op("add {u}, {u}, {low}")
    if column:
        b.op("add {t}, {y}, {distance}", y=y)
    b.op("sb {u}, 0({y})", y=b.reg("t") if column else y)
