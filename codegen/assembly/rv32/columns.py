"""Four columns of int16 taps times int8 weights of four filters: sixteen sums in registers.

A tap takes four loads of activations, four of weights, 16 multiplications and 16 additions.
"""

from __future__ import annotations

import functools

from codegen.assembly.block import noted
from codegen.assembly.columns import PIXELS, TAPS, Columns
from codegen.assembly.isa import RV32
from codegen.assembly.rv32.products import (
    FILTERS,
    FREE,
    SUMS,
    WORDS,
    multiply_position,
    name_operands,
    sums_of,
)
from codegen.assembly.rv32.registers import SAVED, Function

SIZE = 2
"""Bytes of an activation."""
LARGEST = 2**15 - 1
_FIELDS = ("weights", "end", "entry", "n1", "n2", "n3", "from", "to", "groups")
"""Of ``ek_columns``."""
FRAME = ("y", "end", "n1", "n2", "n3", "from", "to", "x", "x_end", "w")


@functools.cache
def columns_function(positive: bool) -> Function:
    """``ek_column_quads_s16(a, x, y)``.

    Args:
        positive: outputs begin at 0.
    """
    b = Function(f"column_quads_s16{'_positive' * positive}", FRAME)
    _enter(b)
    written = b.label("written")
    with b.loop("bne {w}, {end}, {head}"):
        _start(b)
        closing = (
            f"addi {{x}}, {{x}}, {TAPS * WORDS * SIZE}",
            f"addi {{w}}, {{w}}, {TAPS * FILTERS}",
            "bne {x}, {end}, {head}",
        )
        with b.loop(*closing):
            for tap in range(TAPS):
                multiply_position(b, tap, FILTERS * tap, "lh", SIZE)
        _wait(b, written)
        _finish(b, positive)
        b.place(written)
        b.load(b.reg("end"), "end")
    b.finish()
    return b


@noted
def _enter(b: Function) -> None:
    """Fill the frame from the arguments."""
    b.name(u="a3", w="a5")
    b.store("a1", "x")
    b.store("a2", "y")
    for field in ("end", "from", "to"):
        b.op("lw {u}, {at}(a0)", at=4 * _FIELDS.index(field))
        b.store(b.reg("u"), field)
    for field in ("n1", "n2", "n3"):
        b.op("lw {u}, {at}(a0)", at=4 * _FIELDS.index(field))
        b.op("slli {u}, {u}, 1")
        b.store(b.reg("u"), field)
    b.op("lw {u}, {at}(a0)", at=4 * _FIELDS.index("groups"))
    b.op("slli {u}, {u}, {shift}", shift=(TAPS * WORDS * SIZE).bit_length() - 1)
    b.op("add {u}, {u}, a1")
    b.store(b.reg("u"), "x_end")
    b.op("lw {w}, 0(a0)")


@noted
def _start(b: Function) -> None:
    """Sums of four filters: what the stream says, or those of the part before."""
    name_operands(b)
    resumed, started = b.labels("resumed started")
    b.load(b.reg("x"), "from")
    b.op("bnez {x}, {label}", label=resumed)
    for f in range(FILTERS):
        first, *others = sums_of(f)
        b.op("lw {s}, {at}({w})", s=first, at=4 * f)
        for register in others:
            b.op("mv {s}, {first}", s=register, first=first)
    b.op("addi {w}, {w}, {n}", n=4 * FILTERS)
    b.op("j {label}", label=started)
    b.place(resumed)
    for i, register in enumerate(SUMS):
        b.op("lw {s}, {at}({x})", s=register, at=4 * i)
    b.op("addi {x}, {x}, {n}", n=4 * len(SUMS))
    b.store(b.reg("x"), "from")
    b.place(started)
    b.load(b.reg("x"), "x")
    b.load(b.reg("end"), "x_end")


@noted
def _wait(b: Function, written: str) -> None:
    """Keep the sums where another part follows."""
    last = b.label("last")
    b.load(b.reg("x"), "to")
    b.op("beqz {x}, {label}", label=last)
    for i, register in enumerate(SUMS):
        b.op("sw {s}, {at}({x})", s=register, at=4 * i)
    b.op("addi {x}, {x}, {n}", n=4 * len(SUMS))
    b.store(b.reg("x"), "to")
    b.op("j {label}", label=written)
    b.place(last)


@noted
def _finish(b: Function, positive: bool) -> None:
    """Sixteen outputs: the rounded high word of each sum times its filter's scale, clamped."""
    pointers = (FREE[0], FREE[1], FREE[2], FREE[3])
    b.name(scale="a4", low="a6", largest="a7", t="t0")
    b.load(pointers[0], "y")
    for pointer, distance in zip(pointers[1:], ("n1", "n2", "n3"), strict=True):
        b.load(pointer, distance)
        b.op("add {p}, {p}, {y}", p=pointer, y=pointers[0])
    b.op("li {largest}, {n}", n=LARGEST)
    for f in range(FILTERS):
        b.op("lw {scale}, {at}({w})", at=4 * f)
        for pointer, s in zip(pointers, sums_of(f), strict=True):
            b.op("mul {low}, {s}, {scale}", s=s)
            b.op("mulh {s}, {s}, {scale}", s=s)
            b.op("srli {low}, {low}, 31")
            b.op("add {s}, {s}, {low}", s=s)
            _clamp(b, s, positive)
            b.op("sh {s}, {at}({p})", s=s, at=SIZE * f, p=pointer)
    b.op("addi {w}, {w}, {n}", n=4 * FILTERS)
    b.op("addi {y}, {y}, {n}", y=pointers[0], n=SIZE * FILTERS)
    b.store(pointers[0], "y")


def _clamp(b: Function, s: str, positive: bool) -> None:
    """An output inside int16, or its positive half; two or three instructions more outside."""
    good = b.label("good")
    if positive:
        b.op("srli {t}, {s}, 15", s=s)
        b.op("beqz {t}, {good}", good=good)
        b.op("srai {s}, {s}, 31", s=s)
        b.op("not {s}, {s}", s=s)
        b.op("and {s}, {s}, {largest}", s=s)
    else:
        b.op("slli {t}, {s}, 16", s=s)
        b.op("srai {t}, {t}, 16")
        b.op("beq {t}, {s}, {good}", s=s, good=good)
        b.op("srai {s}, {s}, 31", s=s)
        b.op("xor {s}, {s}, {largest}", s=s)
    b.place(good)


COLUMNS = Columns(
    isa=RV32, write=columns_function, portable="ek_column_quads_s16", driver="ek_conv_quads_s16",
    together=FILTERS, stack=4 * (len(FRAME) + len(SAVED) + 2),
    group=TAPS * (WORDS + FILTERS * (1 + 2 * WORDS)), filters=24, turn=3,
    scale=9 * FILTERS * PIXELS + 34, wait=36, copy=2.8 * TAPS, row=36, border=21, rest=35, tile=300,
    call=2 * len(SAVED) + 60,
).variant()  # fmt: skip
"""Four pixels of int16 with four filters."""
