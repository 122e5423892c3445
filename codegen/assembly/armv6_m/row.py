"""Neighbouring pixels of a depthwise 3x3 convolution on Armv6-M.

Sums of up to six pixels stay in high registers. Each column of a kernel row is loaded once; a copy
of it is multiplied by each weight, the last one by itself.
"""

from __future__ import annotations

from dataclasses import replace

from codegen.assembly.armv6_m.frame import enter, keep, leave
from codegen.assembly.armv6_m.high_word import (
    Places,
    channel,
    load_channel,
    requantize,
    scale_short,
)
from codegen.assembly.block import Block, noted
from codegen.assembly.rows import RowKernel
from codegen.assembly.tiles import LONG, SHORT

PIXELS = 6
"""Most at once: the high registers."""
X, Y, INSIDE, COUNT, WEIGHTS, FILL, CHANNELS, ROW_BYTES = range(0, 32, 4)
PLACES = Places(table=32, zero=36, high=40, half=44, least=48, most=52)
PIXEL = 56
FRAME = 64
WEIGHTS_OFFSET, TABLE_OFFSET, CHANNELS_OFFSET, FILL_OFFSET = range(0, 16, 4)
ZERO_OFFSET, LOW_OFFSET, HIGH_OFFSET = range(16, 28, 4)
ROW_BYTES_OFFSET = 36
"""Of `ek_depthwise_row`."""
LEFT, RIGHT, NO_TOP, NO_BOTTOM = 2, 3, 1, 4
"""How far each flag is shifted left to become the carry."""
W = ("r5", "r6", "r7")


def row(kind: RowKernel) -> Block:
    """``ek_depthwise_row_s8(r, x, y, inside)``."""
    symbol = f"depthwise_{kind.pixels}x{kind.stride}{kind.suffix}"
    b = Block(symbol, kind.forms, lambda forms: row(replace(kind, forms=forms)))
    sums = ("r8", "r9", "r10", "r11", "r12", "lr")[: kind.pixels]
    b.name(base="r0", at="r1", step="r2", x="r3", product="r4")
    enter(b, FRAME)
    for register, place in (("r1", X), ("r2", Y), ("r3", INSIDE)):
        b.op(f"str {register}, [sp, #{place}]")
    keep(
        b, "r0", (WEIGHTS_OFFSET, WEIGHTS), (TABLE_OFFSET, PLACES.table), (CHANNELS_OFFSET, COUNT),
        (CHANNELS_OFFSET, CHANNELS), (FILL_OFFSET, FILL), (ZERO_OFFSET, PLACES.zero),
        (LOW_OFFSET, PLACES.least), (HIGH_OFFSET, PLACES.most), (ROW_BYTES_OFFSET, ROW_BYTES),
    )  # fmt: skip
    head, end = b.labels("head end")
    b.place(head)
    b.op("movs r4, #0")
    for total in sums:
        b.op(f"mov {total}, r4")
    for ky in range(3):
        _kernel_row(b, kind, ky, sums)
    if kind.signed:
        load_channel(b, PLACES, kind.signed)
        _outputs(b, kind, sums)
    else:
        both = {LONG: _outputs, SHORT: _short_outputs}
        channel(b, kind.forms, PLACES, "r4", lambda form: both[form](b, kind, sums))
    _next(b)
    b.op("beq {to}", to=end)
    b.op("b {to}", to=head)
    b.place(end)
    leave(b, FRAME)
    return b


def _kernel_row(b: Block, kind: RowKernel, ky: int, sums: tuple[str, ...]) -> None:
    inside, done = b.labels("inside done")
    _weights(b, ky)
    if ky != 1:  # a row outside the input adds the same to every sum
        _test(b, NO_TOP if ky == 0 else NO_BOTTOM)
        b.op("bcc {to}", to=inside)
        b.op("adds r5, r5, r6")
        b.op("adds r5, r5, r7")
        b.op("ldr {x}, [sp, #{place}]", place=FILL)
        b.op("muls {x}, r5")
        for total in sums:
            b.op(f"add {total}, {{x}}")
        b.op("b {to}", to=done)
        b.place(inside)
    b.op("ldr {base}, [sp, #{place}]", place=X)
    if ky:
        b.op("ldr {at}, [sp, #{place}]", place=ROW_BYTES)
        for _ in range(ky):
            b.op("add {base}, {at}")
    b.op("ldr {step}, [sp, #{place}]", place=CHANNELS)
    b.op("movs {at}, #0")
    for column in range(kind.columns):
        _column(b, kind, column, sums)
    b.place(done)


def _weights(b: Block, ky: int) -> None:
    b.op("ldr {base}, [sp, #{place}]", place=WEIGHTS)
    for kx, weight in enumerate(W):
        b.op(f"ldrb {weight}, [{{base}}, #{3 * ky + kx}]")
        b.op(f"sxtb {weight}, {weight}")


@noted
def _column(b: Block, kind: RowKernel, column: int, sums: tuple[str, ...]) -> None:
    """One column of the input against every window that it belongs to."""
    if column in (0, kind.columns - 1):
        outside, loaded = b.labels("outside loaded")
        _test(b, LEFT if column == 0 else RIGHT)
        b.op("bcc {to}", to=outside)
        b.op("ldrsb {x}, [{base}, {at}]")
        b.op("b {to}", to=loaded)
        b.place(outside)
        b.op("ldr {x}, [sp, #{place}]", place=FILL)
        b.place(loaded)
    else:
        b.op("ldrsb {x}, [{base}, {at}]")
    b.op("adds {at}, {at}, {step}")
    taps = [(total, column - p * kind.stride) for p, total in enumerate(sums)]
    taps = [(total, kx) for total, kx in taps if 0 <= kx < len(W)]
    for total, kx in taps[:-1]:
        b.op("mov {product}, {x}")
        b.op(f"muls {{product}}, {W[kx]}")
        b.op(f"add {total}, {{product}}")
    for total, kx in taps[-1:]:
        b.op(f"muls {{x}}, {W[kx]}")
        b.op(f"add {total}, {{x}}")


def _test(b: Block, shift: int) -> None:
    """The carry is one of the flags of `ek_depthwise_row.h`."""
    b.op("ldr {product}, [sp, #{place}]", place=INSIDE)
    b.op("lsls {product}, {product}, #{shift}", shift=shift)


def _outputs(b: Block, kind: RowKernel, sums: tuple[str, ...]) -> None:
    for p, total in enumerate(sums):
        b.op(f"mov r0, {total}")
        requantize(b, PLACES, kind.signed, kind.clamp)
        _store(b, p)


def _short_outputs(b: Block, kind: RowKernel, sums: tuple[str, ...]) -> None:
    b.op("ldr r2, [sp, #{place}]", place=Y)
    b.op("ldr r3, [sp, #{place}]", place=CHANNELS)
    for p, total in enumerate(sums):
        b.op(f"mov r0, {total}")
        scale_short(b, "r0", "r1", "r4", (PLACES.least, PLACES.most) if kind.clamp else None)
        b.op("strb r0, [r2]")
        if p < len(sums) - 1:
            b.op("adds r2, r2, r3")


@noted
def _store(b: Block, p: int) -> None:
    """r0 to its pixel; a pointer goes from pixel to pixel."""
    b.op("ldr r1, [sp, #{place}]", place=PIXEL if p else Y)
    b.op("strb r0, [r1]")
    b.op("ldr r2, [sp, #{place}]", place=CHANNELS)
    b.op("adds r1, r1, r2")
    b.op("str r1, [sp, #{place}]", place=PIXEL)


@noted
def _next(b: Block) -> None:
    """On to the next channel; the zero flag tells that there is none."""
    for place, step in ((X, 1), (Y, 1), (WEIGHTS, 9)):
        b.op(f"ldr r0, [sp, #{place}]")
        b.op(f"adds r0, #{step}")
        b.op(f"str r0, [sp, #{place}]")
    b.op("ldr r0, [sp, #{place}]", place=COUNT)
    b.op("subs r0, #1")
    b.op("str r0, [sp, #{place}]", place=COUNT)
