"""Neighbouring pixels of a depthwise convolution with any window on Armv6-M.

Sums of up to six pixels stay in high registers, up to four weights in low ones. Each column of
the patch is loaded once for a piece of a kernel row; a copy of it is multiplied by each weight, the
last one by itself.
"""

from __future__ import annotations

import itertools

from codegen.assembly.armv6_m.frame import enter, keep, leave
from codegen.assembly.armv6_m.high_word import Places, load_channel, requantize
from codegen.assembly.block import Block, noted
from codegen.assembly.window_kernel import WindowKernel

X, Y, CHANNELS, FILTERS, WEIGHTS, ROW_BYTES, MULTIPLIER, ROWS, LEFT, PITCH = range(0, 40, 4)
PLACES = Places(table=40, zero=44, high=48, half=52, least=56, most=60)
PIXEL = 64
FRAME = 72
PIXELS, TAPS, BOTH = 6, 4, 10
"""Most sums, weights, and both together."""
WEIGHTS_OFFSET, TABLE_OFFSET, CHANNELS_OFFSET, MULTIPLIER_OFFSET = range(0, 16, 4)
ROWS_OFFSET, ROW_BYTES_OFFSET, PITCH_OFFSET = range(16, 28, 4)
ZERO_OFFSET, LOW_OFFSET, HIGH_OFFSET = range(28, 40, 4)
"""Of `ek_depthwise_patch`."""
W = ("r2", "r5", "r6", "r7")
OFFSETS, MOST_ADDED = 32, 255
"""Offsets of byte loads, and the largest number that is added."""


def window(kind: WindowKernel) -> Block:
    """``ek_depthwise_patch_s8(p, x, y)``."""
    b = Block(kind.symbol)
    sums = ("r8", "r9", "r10", "r11", "r12", "lr")[: kind.pixels]
    channel, filter, following, end = b.labels("channel filter following end")
    enter(b, FRAME)
    b.op("str r1, [sp, #{place}]", place=X)
    b.op("str r2, [sp, #{place}]", place=Y)
    keep(
        b, "r0", (WEIGHTS_OFFSET, WEIGHTS), (TABLE_OFFSET, PLACES.table), (ROWS_OFFSET, ROWS),
        (CHANNELS_OFFSET, CHANNELS), (MULTIPLIER_OFFSET, MULTIPLIER), (PITCH_OFFSET, PITCH),
        (ROW_BYTES_OFFSET, ROW_BYTES), (ZERO_OFFSET, PLACES.zero), (LOW_OFFSET, PLACES.least),
        (HIGH_OFFSET, PLACES.most),
    )  # fmt: skip
    b.place(channel)
    b.op("ldr r0, [sp, #{place}]", place=MULTIPLIER)
    b.op("str r0, [sp, #{place}]", place=FILTERS)
    b.place(filter)
    _products(b, kind, sums)
    load_channel(b, PLACES, kind.signed)
    for p, total in enumerate(sums):
        b.op(f"mov r0, {total}")
        requantize(b, PLACES, kind.signed, kind.clamp)
        _store(b, p, p == kind.pixels - 1)
    _add(b, Y, 1)
    _add(b, FILTERS, -1)
    b.op("beq {to}", to=following)
    b.op("b {to}", to=filter)
    b.place(following)
    _add(b, X, 1)
    _add(b, CHANNELS, -1)
    b.op("beq {to}", to=end)
    b.op("b {to}", to=channel)
    b.place(end)
    leave(b, FRAME)
    return b


@noted
def _products(b: Block, kind: WindowKernel, sums: tuple[str, ...]) -> None:
    """The sums of one filter."""
    b.name(base="r0", at="r1", x="r3", product="r4")
    head, done = b.labels("head done")
    b.op("ldr r4, [sp, #{place}]", place=ROWS)
    b.op("str r4, [sp, #{place}]", place=LEFT)
    b.op("movs r4, #0")
    for total in sums:
        b.op(f"mov {total}, r4")
    b.op("ldr {base}, [sp, #{place}]", place=X)
    b.place(head)
    before = 0
    for piece, taps in enumerate(kind.pieces):
        b.op("ldr {at}, [sp, #{place}]", place=WEIGHTS)
        for tap, weight in enumerate(W[:taps]):
            b.op(f"ldrb {weight}, [{{at}}, #{before + tap}]")
            b.op(f"sxtb {weight}, {weight}")
        before += taps
        _piece(b, kind, piece, sums)
    _add(b, WEIGHTS, before)
    b.op("ldr {at}, [sp, #{place}]", place=ROW_BYTES)
    b.op("add {base}, {at}")
    _add(b, LEFT, -1)
    b.op("beq {to}", to=done)
    b.op("b {to}", to=head)
    b.place(done)


@noted
def _piece(b: Block, kind: WindowKernel, piece: int, sums: tuple[str, ...]) -> None:
    """The columns that a piece of a kernel row needs, against every window that they belong to."""
    move = "movs"
    for products, step in zip(kind.meeting(piece).values(), _steps(kind, piece), strict=True):
        b.op(f"{move} {{at}}, #{step}")
        move = "adds"
        b.op("ldrsb {x}, [{base}, {at}]")
        for p, tap in products[:-1]:
            b.op("mov {product}, {x}")
            b.op(f"muls {{product}}, {W[tap]}")
            b.op(f"add {sums[p]}, {{product}}")
        p, tap = products[-1]
        b.op(f"muls {{x}}, {W[tap]}")
        b.op(f"add {sums[p]}, {{x}}")


def _steps(kind: WindowKernel, piece: int) -> list[int]:
    """Bytes to the first column of a piece, and from each to the next."""
    columns = [0, *kind.meeting(piece)]
    return [kind.lanes * (b - a) for a, b in itertools.pairwise(columns)]


def reaches(kind: WindowKernel) -> bool:
    """Whether immediates are large enough."""
    steps = (_steps(kind, piece) for piece in range(len(kind.pieces)))
    return kind.width <= OFFSETS and max(map(max, steps)) <= MOST_ADDED


@noted
def _store(b: Block, p: int, is_last: bool) -> None:
    """r0 to its pixel; a pointer goes from pixel to pixel."""
    b.op("ldr r1, [sp, #{place}]", place=PIXEL if p else Y)
    b.op("strb r0, [r1]")
    if not is_last:
        b.op("ldr r2, [sp, #{place}]", place=PITCH)
        b.op("adds r1, r1, r2")
        b.op("str r1, [sp, #{place}]", place=PIXEL)


def _add(b: Block, place: int, number: int) -> None:
    """Move on or count down what is kept in a place, by way of r1; sets the zero flag."""
    b.op("ldr r1, [sp, #{place}]", place=place)
    b.op(f"adds r1, #{number}" if number > 0 else f"subs r1, #{-number}")
    b.op("str r1, [sp, #{place}]", place=place)
