"""Dense layers on Armv7-M: each input is loaded once for eight filters, whose sums stay in
registers; 17 instructions, 8 products. Listed weights take one filter at a time."""

from __future__ import annotations

from codegen.assembly.armv7_m.high_word import clamp, halve, narrow, requantize
from codegen.assembly.armv7_m.listed import DENSE_LIST, dense_item, multiply_listed
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

LAYER, X, Y, COUNT, CONSTANTS, HALF = range(0, 24, 4)
FRAME = 24
UNROLL = 4


def dense(kind: DenseKernel) -> Block:
    """``ek_dense_blocks_s8(d, x, y)``, or its likes with other outputs."""
    b = Block(kind.symbol)
    sums = [f"r{f}" for f in range(kind.filters)]
    b.name(layer="r12", weights="lr")
    b.op("push {{r4-r11, lr}}")
    b.op("sub sp, sp, #{n}", n=FRAME)
    for register, place in (("r0", LAYER), ("r1", X), ("r2", Y)):
        b.op(f"str {register}, [sp, #{place}]")
    for field, place in ((BLOCKS, COUNT), (TABLE, CONSTANTS)):
        b.op(f"ldr r3, [r0, #{field}]")
        b.op(f"str r3, [sp, #{place}]")
    b.op("ldr {weights}, [r0, #{field}]", field=WEIGHTS)
    with b.loop("bne.w {head}"):
        if kind.listed:
            _listed_products(b)
        else:
            _products(b, kind, sums)
        if kind.output is DType.INT8:
            _requantize(b, kind, sums)
        else:
            _scale(b, kind, sums)
        _store(b, kind, sums)
    b.op("add sp, sp, #{n}", n=FRAME)
    b.op("pop {{r4-r11, pc}}")
    return b


@noted
def _listed_products(b: Block) -> None:
    """All lists of one filter."""
    b.name(sum="r0", x="r1", w="r2", at="r3", skip="r4", groups="r5", left="r6", piece="r7")
    b.name(list=b.reg("weights"))
    b.op("ldr {layer}, [sp, #{place}]", place=LAYER)
    b.op("ldr {left}, [{layer}, #{field}]", field=PIECES)
    b.op("ldr {piece}, [{layer}, #{field}]", field=PIECE)
    b.op("ldr {at}, [sp, #{place}]", place=X)
    b.op("movs {sum}, #0")
    with b.loop("add {at}, {at}, {piece}", "subs {left}, {left}, #1", "bne.w {head}"):
        multiply_listed(b, dense_item, DENSE_LIST)


def _products(b: Block, kind: DenseKernel, sums: list[str]) -> None:
    singles, done = b.labels("singles done")
    b.name(w="r8", x="r9", at="r10", count="r11")
    _begin(b, kind, sums)
    b.op("ldr {layer}, [sp, #{place}]", place=LAYER)
    b.op("ldr {at}, [sp, #{place}]", place=X)
    b.op("ldr {count}, [{layer}, #{field}]", field=DEPTH)
    b.op(f"subs {{count}}, {{count}}, #{UNROLL}")
    b.op("blo {to}", to=singles)
    with b.loop(f"subs {{count}}, {{count}}, #{UNROLL}", "bhs {head}"):
        for _ in range(UNROLL):
            _tap(b, kind, sums)
    b.place(singles)
    b.op(f"adds {{count}}, {{count}}, #{UNROLL}")
    b.op("beq {to}", to=done)
    with b.loop("subs {count}, {count}, #1", "bne {head}"):
        _tap(b, kind, sums)
    b.place(done)


@noted
def _begin(b: Block, kind: DenseKernel, sums: list[str]) -> None:
    """What the sums start with."""
    if kind.output is DType.INT8:
        for total in sums:
            b.op(f"movs {total}, #0")
        return
    b.op("ldr {at}, [sp, #{place}]", place=CONSTANTS)
    for total in sums:
        b.op(f"ldr {total}, [{{at}}], #4")
    b.op("str {at}, [sp, #{place}]", place=CONSTANTS)


def _tap(b: Block, kind: DenseKernel, sums: list[str]) -> None:
    b.op("ldrsh {x}, [{at}], #2" if kind.wide else "ldrsb {x}, [{at}], #1")
    for total in sums:
        b.op("ldrsb {w}, [{weights}], #1")
        b.op(f"mla {total}, {{x}}, {{w}}, {total}")


def _requantize(b: Block, kind: DenseKernel, sums: list[str]) -> None:
    for total in sums:
        b.op("ldr r12, [sp, #{place}]", place=CONSTANTS)
        b.op("ldm r12!, {{r8, r9, r10}}")
        b.op("str r12, [sp, #{place}]", place=CONSTANTS)
        if kind.signed:
            b.op("ldr r11, [sp, #{place}]", place=LAYER)
            b.op("ldr r11, [r11, #{field}]", field=OFFSET)
            halve(b, HALF)
        requantize(b, [total], HALF if kind.signed else None)
    if kind.clamp:
        b.op("ldr r12, [sp, #{place}]", place=LAYER)
        b.op("ldr r8, [r12, #{field}]", field=LOW)
        b.op("ldr r9, [r12, #{field}]", field=HIGH)
        clamp(b, sums, "r8", "r9")


@noted
def _scale(b: Block, kind: DenseKernel, sums: list[str]) -> None:
    """Sums to int16."""
    b.op("ldr r12, [sp, #{place}]", place=CONSTANTS)
    for total in sums:
        b.op("ldr r8, [r12], #4")
        narrow(b, [total], "r8", kind.clamp)
    b.op("str r12, [sp, #{place}]", place=CONSTANTS)


def _store(b: Block, kind: DenseKernel, sums: list[str]) -> None:
    size = kind.output.itemsize
    b.name(y="r12", left="r8", back="r9")
    b.op("ldr {y}, [sp, #{place}]", place=Y)
    b.op("ldr {left}, [sp, #{place}]", place=COUNT)
    b.op("cmp {left}, #1")
    b.op("ittt eq")
    b.op("ldreq {back}, [sp, #{place}]", place=LAYER)
    b.op("ldreq {back}, [{back}, #{field}]", field=BACK)
    b.op("subeq {y}, {y}, {back}, lsl #{shift}", shift=size.bit_length() - 1)
    store = "strh" if kind.wide else "strb"
    for total in sums:
        b.op(f"{store} {total}, [{{y}}], #{size}")
    b.op("str {y}, [sp, #{place}]", place=Y)
    b.op("subs {left}, {left}, #1")
    b.op("str {left}, [sp, #{place}]", place=COUNT)
