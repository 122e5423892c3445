"""Neighbouring pixels of a depthwise convolution with any window on Armv7-M.

Sums of up to eight pixels stay in registers, and with them up to five weights; each column of the
patch is loaded once for a piece of a kernel row: 53 instructions for 30 products of five taps.
"""

from __future__ import annotations

from codegen.assembly.armv7_m.high_word import clamp, halve, requantize
from codegen.assembly.block import Block, noted
from codegen.assembly.window_kernel import WindowKernel

PATCH, X, Y, TABLE, CHANNELS, FILTERS, HALF = range(0, 28, 4)
FRAME = 32
PIXELS, TAPS, BOTH = 8, 5, 10
"""Most sums (requantization takes the registers above them), weights, and both together."""
WEIGHTS_OFFSET, TABLE_OFFSET, CHANNELS_OFFSET, MULTIPLIER_OFFSET = range(0, 16, 4)
ROWS_OFFSET, PITCH_OFFSET = 16, 24
ZERO_OFFSET, LOW_OFFSET, HIGH_OFFSET = range(28, 40, 4)
"""Of `ek_depthwise_patch`."""


def window(kind: WindowKernel) -> Block:
    """``ek_depthwise_patch_s8(p, x, y)``."""
    b = Block(kind.symbol)
    sums = [f"r{p}" for p in range(kind.pixels)]
    b.name(x="r10", rows="r11", at="r12", weights="lr")
    b.op("push {{r4-r11, lr}}")
    b.op("sub sp, sp, #{n}", n=FRAME)
    for register, place in (("r0", PATCH), ("r1", X), ("r2", Y)):
        b.op(f"str {register}, [sp, #{place}]")
    for field, place in ((TABLE_OFFSET, TABLE), (CHANNELS_OFFSET, CHANNELS)):
        b.op(f"ldr r4, [r0, #{field}]")
        b.op(f"str r4, [sp, #{place}]")
    b.op("ldr {weights}, [r0, #{field}]", field=WEIGHTS_OFFSET)
    with b.loop("bne.w {head}"):
        b.op("ldr {at}, [sp, #{place}]", place=PATCH)
        b.op("ldr {at}, [{at}, #{field}]", field=MULTIPLIER_OFFSET)
        b.op("str {at}, [sp, #{place}]", place=FILTERS)
        with b.loop("bne.w {head}"):
            _products(b, kind, sums)
            _finish(b, kind, sums)
            _count_down(b, FILTERS)
        b.op("ldr {at}, [sp, #{place}]", place=X)
        b.op("add {at}, {at}, #1")
        b.op("str {at}, [sp, #{place}]", place=X)
        _count_down(b, CHANNELS)
    b.op("add sp, sp, #{n}", n=FRAME)
    b.op("pop {{r4-r11, pc}}")
    return b


def reaches(kind: WindowKernel) -> bool:
    """Whether offsets are large enough."""
    return kind.columns * kind.lanes < 4096


@noted
def _products(b: Block, kind: WindowKernel, sums: list[str]) -> None:
    """The sums of one filter."""
    weights = [f"r{kind.pixels + tap}" for tap in range(max(kind.pieces))]
    b.op("ldr {at}, [sp, #{place}]", place=PATCH)
    b.op("ldr {rows}, [{at}, #{field}]", field=ROWS_OFFSET)
    b.op("ldr {at}, [sp, #{place}]", place=X)
    for total in sums:
        b.op(f"movs {total}, #0")
    with b.loop("subs {rows}, {rows}, #1", "bne.w {head}"):
        for piece, taps in enumerate(kind.pieces):
            for weight in weights[:taps]:
                b.op(f"ldrsb {weight}, [{{weights}}], #1")
            for column, products in kind.meeting(piece).items():
                b.op(f"ldrsb {{x}}, [{{at}}, #{column * kind.lanes}]")
                for p, tap in products:
                    b.op(f"mla {sums[p]}, {{x}}, {weights[tap]}, {sums[p]}")
        b.op("addw {at}, {at}, #{n}", n=kind.columns * kind.lanes)


@noted
def _finish(b: Block, kind: WindowKernel, sums: list[str]) -> None:
    """Requantize and store the sums of one filter."""
    b.op("ldr r12, [sp, #{place}]", place=TABLE)
    b.op("ldm r12!, {{r8, r9, r10}}")
    b.op("str r12, [sp, #{place}]", place=TABLE)
    if kind.signed:
        b.op("ldr r11, [sp, #{place}]", place=PATCH)
        b.op("ldr r11, [r11, #{field}]", field=ZERO_OFFSET)
        halve(b, HALF)
    requantize(b, sums, HALF if kind.signed else None)
    b.op("ldr r11, [sp, #{place}]", place=PATCH)
    if kind.clamp:
        b.op("ldr r8, [r11, #{field}]", field=LOW_OFFSET)
        b.op("ldr r9, [r11, #{field}]", field=HIGH_OFFSET)
        clamp(b, sums, "r8", "r9")
    b.op("ldr r11, [r11, #{field}]", field=PITCH_OFFSET)
    b.op("ldr r12, [sp, #{place}]", place=Y)
    b.op("add r10, r12, #1")
    b.op("str r10, [sp, #{place}]", place=Y)
    for total in sums[:-1]:
        b.op(f"strb {total}, [r12]")
        b.op("add r12, r12, r11")
    b.op(f"strb {sums[-1]}, [r12]")


def _count_down(b: Block, place: int) -> None:
    """The zero flag tells that nothing is left."""
    b.op("ldr r12, [sp, #{place}]", place=place)
    b.op("subs r12, r12, #1")
    b.op("str r12, [sp, #{place}]", place=place)
