"""Dense layers on Armv6-M: each input is loaded once for eight filters, whose products take 27
instructions.

Weights have 128 added, because only unsigned bytes are loaded with an immediate offset; 128 times
the sum of the inputs is taken off again. Listed weights take one filter at a time and are extended.
"""

from __future__ import annotations

from codegen.assembly.armv6_m.frame import enter, keep, leave
from codegen.assembly.armv6_m.high_word import Places, load_channel, requantize
from codegen.assembly.armv6_m.listed import DENSE_LIST, dense_item, multiply_listed
from codegen.assembly.armv6_m.narrow import load_scale, narrow
from codegen.assembly.block import Block, noted
from codegen.assembly.dense import (
    BACK,
    BLOCKS,
    DEPTH,
    HIGH,
    LOW,
    OFFSET,
    PIECE,
    PIECES,
    TABLE,
    WEIGHTS,
    DenseKernel,
)
from edgekit.ir import DType

LAYER, X, Y, COUNT, AT, SUMS = 0, 4, 8, 12, 16, 20
PLACES = Places(table=52, zero=56, high=60, half=64, least=68, most=72)
FRAME = 80
UNROLL = 4
FLIP = 128
"""What is added to weights, see `codegen.assembly.dense.emit`."""
REGISTERS = ("r0", "r1", "r2", "r8", "r9", "r10", "r11", "r12")
"""Sums; the sum of the inputs is in lr."""


def dense(kind: DenseKernel) -> Block:
    """``ek_dense_blocks_s8(d, x, y)``, or its likes with other outputs."""
    b = Block(kind.symbol)
    b.name(x="r3", w="r4", weights="r5", at="r6", count="r7", inputs="lr")
    sums = REGISTERS[: kind.filters]
    head, end = b.labels("head end")
    enter(b, FRAME)
    for register, place in (("r0", LAYER), ("r1", X), ("r2", Y)):
        b.op(f"str {register}, [sp, #{place}]")
    keep(
        b, "r0", (BLOCKS, COUNT), (TABLE, PLACES.table), (WEIGHTS, AT), (OFFSET, PLACES.zero),
        (LOW, PLACES.least), (HIGH, PLACES.most),
    )  # fmt: skip
    b.place(head)
    if kind.listed:
        _listed_products(b)
    else:
        _products(b, kind, sums)
        _keep_sums(b, kind, sums)
        _last_block(b, kind)
    for f in range(kind.filters):
        _finish(b, kind, f)
    b.op("ldr r1, [sp, #{place}]", place=Y)
    b.op("adds r1, #{n}", n=kind.output.itemsize * kind.filters)
    b.op("str r1, [sp, #{place}]", place=Y)
    b.op("ldr r0, [sp, #{place}]", place=COUNT)
    b.op("subs r0, #1")
    b.op("str r0, [sp, #{place}]", place=COUNT)
    b.op("beq {to}", to=end)
    b.op("b {to}", to=head)
    b.place(end)
    leave(b, FRAME)
    return b


@noted
def _listed_products(b: Block) -> None:
    """All lists of one filter."""
    more, done = b.labels("more done")
    b.name(sum="r1", x="r2", w="r3", at="r4", skip="r5", list="r6", groups="r7")
    b.op("ldr r5, [sp, #{place}]", place=LAYER)
    b.op("ldr {x}, [r5, #{field}]", field=PIECES)
    b.op("ldr {w}, [r5, #{field}]", field=PIECE)
    b.op("mov r8, {x}")
    b.op("mov r9, {w}")
    b.op("ldr {at}, [sp, #{place}]", place=X)
    b.op("ldr {list}, [sp, #{place}]", place=AT)
    b.op("movs {sum}, #0")
    b.place(more)
    multiply_listed(b, dense_item, DENSE_LIST)
    b.op("add {at}, r9")
    b.op("mov {x}, r8")
    b.op("subs {x}, #1")
    b.op("mov r8, {x}")
    b.op("beq {to}", to=done)
    b.op("b {to}", to=more)
    b.place(done)
    b.op("str {list}, [sp, #{place}]", place=AT)
    b.op("str {sum}, [sp, #{place}]", place=SUMS)


@noted
def _finish(b: Block, kind: DenseKernel, f: int) -> None:
    """Output of a filter."""
    store = {1: "strb", 2: "strh", 4: "str"}[kind.output.itemsize]
    if kind.output is DType.INT8:
        load_channel(b, PLACES, kind.signed)
    elif kind.wide:
        load_scale(b, PLACES.table)
    b.op("ldr r0, [sp, #{place}]", place=SUMS + 4 * f)
    if kind.output is DType.INT8:
        requantize(b, PLACES, kind.signed, kind.clamp)
    elif kind.wide:
        narrow(b, kind.clamp)
    b.op("ldr r1, [sp, #{place}]", place=Y)
    b.op(f"{store} r0, [r1, #{kind.output.itemsize * f}]")


def _products(b: Block, kind: DenseKernel, sums: tuple[str, ...]) -> None:
    fours, singles, single, done = b.labels("fours singles single done")
    b.op("movs r0, #0")
    for total in (*sums[1:], "lr"):
        b.op(f"mov {total}, r0")
    b.op("ldr {at}, [sp, #{place}]", place=X)
    b.op("ldr {weights}, [sp, #{place}]", place=AT)
    b.op("ldr {w}, [sp, #{place}]", place=LAYER)
    b.op("ldr {count}, [{w}, #{field}]", field=DEPTH)
    b.op("subs {count}, #{n}", n=UNROLL)
    b.op("bpl {to}", to=fours)
    b.op("b {to}", to=singles)
    b.place(fours)
    for i in range(UNROLL):
        _tap(b, kind, sums, i)
    b.op("adds {at}, #{n}", n=UNROLL * (1 + kind.wide))
    b.op("adds {weights}, #{n}", n=UNROLL * len(sums))
    b.op("subs {count}, #{n}", n=UNROLL)
    b.op("bpl {to}", to=fours)
    b.place(singles)
    b.op("adds {count}, #{n}", n=UNROLL)
    b.op("beq {to}", to=done)
    b.place(single)
    _tap(b, kind, sums, 0)
    b.op("adds {at}, #{n}", n=1 + kind.wide)
    b.op("adds {weights}, #{n}", n=len(sums))
    b.op("subs {count}, #1")
    b.op("bne {to}", to=single)
    b.place(done)
    b.op("str {weights}, [sp, #{place}]", place=AT)


def _tap(b: Block, kind: DenseKernel, sums: tuple[str, ...], tap: int) -> None:
    b.op(f"ldrh {{x}}, [{{at}}, #{2 * tap}]" if kind.wide else f"ldrb {{x}}, [{{at}}, #{tap}]")
    b.op("sxth {x}, {x}" if kind.wide else "sxtb {x}, {x}")
    b.op("add {inputs}, {x}")
    for f, total in enumerate(sums):
        b.op(f"ldrb {{w}}, [{{weights}}, #{tap * len(sums) + f}]")
        b.op("muls {w}, {x}")
        b.op(f"add {total}, {{w}}")


@noted
def _keep_sums(b: Block, kind: DenseKernel, sums: tuple[str, ...]) -> None:
    """Less what the weights' 128 are too much, and with what they start with, to the frame."""
    starts = kind.output is not DType.INT8
    if starts:
        b.op("ldr {at}, [sp, #{place}]", place=PLACES.table)
    b.op("mov {x}, {inputs}")
    b.op("lsls {x}, {x}, #7")
    for f, total in enumerate(sums):
        b.op(f"mov {{w}}, {total}")
        b.op("subs {w}, {w}, {x}")
        if starts:
            b.op("ldm {at}!, {{r0}}")
            b.op("adds {w}, {w}, r0")
        b.op(f"str {{w}}, [sp, #{SUMS + 4 * f}]")
    if starts:
        b.op("str {at}, [sp, #{place}]", place=PLACES.table)


@noted
def _last_block(b: Block, kind: DenseKernel) -> None:
    """The last block begins earlier where filters are no multiple of a block's."""
    more = b.label("more")
    b.op("ldr r0, [sp, #{place}]", place=COUNT)
    b.op("cmp r0, #1")
    b.op("bne {to}", to=more)
    b.op("ldr r1, [sp, #{place}]", place=LAYER)
    b.op("ldr r1, [r1, #{field}]", field=BACK)
    if kind.output.itemsize > 1:
        b.op("lsls r1, r1, #{shift}", shift=kind.output.itemsize.bit_length() - 1)
    b.op("ldr r2, [sp, #{place}]", place=Y)
    b.op("subs r2, r2, r1")
    b.op("str r2, [sp, #{place}]", place=Y)
    b.place(more)
