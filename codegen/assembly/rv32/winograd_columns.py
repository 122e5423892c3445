"""One column of inputs of a Winograd convolution (ek_winograd.h), channel by channel."""

from __future__ import annotations

import functools

from codegen.assembly.block import offsets
from codegen.assembly.rv32.registers import SAVED, Function
from codegen.assembly.winograd_parts import POINT_BYTES, POINTS, RECORD_BYTES, WORD

_ARGUMENTS = offsets(("rows", "at", "words", "v", "moved"))
"""``ek_winograd_column``, in the order of its definition."""
_ROWS = tuple(f"s{i}" for i in range(POINTS))
"""Pointers to rows 0, 2, 4, 1, 3, 5."""
COLUMN_INSTRUCTIONS = WORD * 29 + POINTS + 3
"""For four channels of a column."""
MOVE_INSTRUCTIONS = 4 * POINTS + 3
"""For a pair of channels whose columns move on."""
ENTER_INSTRUCTIONS = 2 * len(SAVED) + 3 + 6 + 2 * POINTS
"""Of a call, beside those."""


@functools.cache
def columns_function() -> Function:
    """``void f(const ek_winograd_column *a)``."""
    b = Function("winograd_columns", ())
    b.name(rows="a0", at="a1", words="a2", v="a3", moved="a4", from_="t0", a="t1", b="t2")
    moved = b.label("moved")
    for name in ("at", "words", "v", "moved", "rows"):
        b.op(f"lw {{{name}}}, {_ARGUMENTS[name]}(a0)")
    b.op("beqz {moved}, {label}", label=moved)
    b.op("mv {from_}, {v}")
    with b.loop(
        f"addi {{from_}}, {{from_}}, {RECORD_BYTES}",
        "addi {moved}, {moved}, -1",
        "bnez {moved}, {head}",
    ):
        for at in range(0, RECORD_BYTES, POINT_BYTES):
            b.op(f"lw {{a}}, {at}({{from_}})")
            b.op(f"lw {{b}}, {at + 4}({{from_}})")
            b.op(f"sw {{a}}, {at - 8}({{from_}})")
            b.op(f"sw {{b}}, {at - 4}({{from_}})")
    b.place(moved)
    for i, row in enumerate(_ROWS):
        b.op("lw {row}, {at_}({rows})", row=row, at_=4 * i)
        b.op("add {row}, {row}, {at}", row=row)
    b.name(d0="a5", d2="a6", d4="a7", d1="t0", d3="t1", d5="t2", even="t3", odd="t4", value="t5")
    moves = (f"addi {row}, {row}, {WORD}" for row in _ROWS)
    steps = f"addi {{v}}, {{v}}, {2 * RECORD_BYTES}", "addi {words}, {words}, -1"
    with b.loop(*moves, *steps, "bnez {words}, {head}"):
        for channel in range(WORD):
            _transform(b, channel)
    b.finish()
    return b


def _transform(b: Function, channel: int) -> None:
    """The six values of a channel. Channels 0 and 2 are a pair, 1 and 3 the other."""
    at = channel % 2 * RECORD_BYTES + channel // 2 * 2

    def keep(register: str, point: int) -> None:
        b.op(f"sh {{{register}}}, {at + point * POINT_BYTES}({{v}})")

    for d, row in zip(("d0", "d2", "d4", "d1", "d3", "d5"), _ROWS, strict=True):
        b.op(f"lb {{{d}}}, {channel}({row})")
    b.op("slli {even}, {d2}, 2")
    b.op("slli {odd}, {d1}, 2")
    b.op("sub {even}, {d4}, {even}")
    b.op("sub {odd}, {d3}, {odd}")
    b.op("add {value}, {even}, {odd}")
    keep("value", 0)
    b.op("sub {value}, {even}, {odd}")
    keep("value", 1)
    b.op("slli {d0}, {d0}, 2")
    b.op("sub {d0}, {d0}, {d2}")
    b.op("add {d0}, {d0}, {even}")
    keep("d0", 4)
    b.op("sub {d4}, {d4}, {d2}")
    b.op("sub {d5}, {d5}, {d3}")
    b.op("sub {d3}, {d3}, {d1}")
    b.op("slli {d3}, {d3}, 1")
    b.op("add {value}, {d4}, {d3}")
    keep("value", 2)
    b.op("sub {value}, {d4}, {d3}")
    keep("value", 3)
    b.op("slli {d3}, {d3}, 1")
    b.op("sub {d5}, {d5}, {d3}")
    keep("d5", 5)
