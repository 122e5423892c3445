"""Neighbouring pixels of a depthwise 3x3 convolution on Armv7-M.

Sums of up to eight pixels stay in registers; each column of a kernel row is loaded once and
multiplied by up to three weights. Rows and columns outside the input are told by the condition
flags, which nothing in between changes.
"""

from __future__ import annotations

from codegen.assembly.armv7_m.high_word import clamp, halve, requantize
from codegen.assembly.block import Block, noted
from codegen.assembly.rows import RowKernel

X, Y, ROW, INSIDE, COUNT, TABLE, HALF, FILL = range(0, 32, 4)
FRAME = 32
PIXELS = 8
"""Most at once: the registers that are left for sums."""
WEIGHTS_OFFSET, TABLE_OFFSET, CHANNELS_OFFSET, FILL_OFFSET = range(0, 16, 4)
ZERO_OFFSET, LOW_OFFSET, HIGH_OFFSET = range(16, 28, 4)
"""Of `ek_depthwise_row`."""
W = ("r8", "r9", "r10")


def row(kind: RowKernel) -> Block:
    """``ek_depthwise_row_s8(r, x, y, inside)``."""
    b = Block(kind.symbol)
    sums = [f"r{p}" for p in range(kind.pixels)]
    b.name(x="r11", at="r12", weights="lr")
    b.op("push {{r4-r11, lr}}")
    b.op("sub sp, sp, #{n}", n=FRAME)
    for register, place in (("r0", ROW), ("r1", X), ("r2", Y), ("r3", INSIDE)):
        b.op(f"str {register}, [sp, #{place}]")
    for field, place in ((TABLE_OFFSET, TABLE), (CHANNELS_OFFSET, COUNT), (FILL_OFFSET, FILL)):
        b.op(f"ldr r4, [r0, #{field}]")
        b.op(f"str r4, [sp, #{place}]")
    b.op("ldr {weights}, [r0, #{at_}]", at_=WEIGHTS_OFFSET)
    no_top, no_bottom, second, done = b.labels("no_top no_bottom second done")
    with b.loop("bne.w {head}"):
        b.op("ldr {at}, [sp, #{place}]", place=X)
        b.op("ldr {x}, [sp, #{place}]", place=INSIDE)
        b.op("msr APSR_nzcvq, {x}")
        b.op("bmi.w {to}", to=no_top)
        _kernel_row(b, kind, 0, sums)
        b.place(second)
        _kernel_row(b, kind, 1, sums)
        b.op("bvs.w {to}", to=no_bottom)
        _kernel_row(b, kind, 2, sums)
        b.place(done)
        _finish(b, kind, sums)
    b.op("add sp, sp, #{n}", n=FRAME)
    b.op("pop {{r4-r11, pc}}")
    b.place(no_top)
    _outside(b, 0)
    for total in sums:
        b.op(f"mov {total}, {{x}}")
    b.op("b.w {to}", to=second)
    b.place(no_bottom)
    _outside(b, 2)
    for total in sums:
        b.op(f"add {total}, {total}, {{x}}")
    b.op("b.w {to}", to=done)
    return b


def _kernel_row(b: Block, kind: RowKernel, ky: int, sums: list[str]) -> None:
    for kx, weight in enumerate(W):
        b.op(f"ldrsb {weight}, [{{weights}}, #{3 * ky + kx}]")
    for column in range(kind.columns):
        place = ky * kind.row_bytes + column * kind.channels
        _load(b, f"[{{at}}, #{place}]", column == 0, column == kind.columns - 1)
        for p, total in enumerate(sums):
            kx = column - p * kind.stride
            if 0 <= kx < len(W):
                first = ky == kx == 0
                b.op(f"mul {total}, {{x}}, {W[kx]}" if first
                     else f"mla {total}, {{x}}, {W[kx]}, {total}")  # fmt: skip


def _load(b: Block, address: str, is_first: bool, is_last: bool) -> None:
    """The first and the last column may lie outside; the input's zero point stands for them."""
    if not is_first and not is_last:
        b.op(f"ldrsb {{x}}, {address}")
        return
    condition = "eq" if is_first else "cs"
    b.op("ldr {x}, [sp, #{place}]", place=FILL)
    b.op(f"it {condition}")
    b.op(f"ldrsb{condition} {{x}}, {address}")


@noted
def _outside(b: Block, ky: int) -> None:
    """x: what a kernel row outside the input adds to every sum. No flag changes."""
    for kx, weight in enumerate(W):
        b.op(f"ldrsb {weight}, [{{weights}}, #{3 * ky + kx}]")
    b.op(f"add {W[0]}, {W[0]}, {W[1]}")
    b.op(f"add {W[0]}, {W[0]}, {W[2]}")
    b.op("ldr {x}, [sp, #{place}]", place=FILL)
    b.op(f"mul {{x}}, {{x}}, {W[0]}")


@noted
def _finish(b: Block, kind: RowKernel, sums: list[str]) -> None:
    """Requantize and store the sums of one channel, and go on to the next."""
    b.op("add {at}, {at}, #1")
    b.op("str {at}, [sp, #{place}]", place=X)
    b.op("ldr r12, [sp, #{place}]", place=TABLE)
    b.op("ldm r12!, {{r8, r9, r10}}")
    b.op("str r12, [sp, #{place}]", place=TABLE)
    if kind.signed:
        b.op("ldr r11, [sp, #{place}]", place=ROW)
        b.op("ldr r11, [r11, #{field}]", field=ZERO_OFFSET)
        halve(b, HALF)
    requantize(b, sums, HALF if kind.signed else None)
    if kind.clamp:
        b.op("ldr r12, [sp, #{place}]", place=ROW)
        b.op("ldr r8, [r12, #{field}]", field=LOW_OFFSET)
        b.op("ldr r9, [r12, #{field}]", field=HIGH_OFFSET)
        clamp(b, sums, "r8", "r9")
    b.op("ldr r12, [sp, #{place}]", place=Y)
    for p, total in enumerate(sums):
        b.op(f"strb {total}, [r12, #{p * kind.channels}]")
    b.op("add r12, r12, #1")
    b.op("str r12, [sp, #{place}]", place=Y)
    b.op("add {weights}, {weights}, #9")
    b.op("ldr r12, [sp, #{place}]", place=COUNT)
    b.op("subs r12, r12, #1")
    b.op("str r12, [sp, #{place}]", place=COUNT)
