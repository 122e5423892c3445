"""The functions of matrix products: two columns expanded to halfwords, and all rows with them.

Four rows with two columns are eight sums: two loads of columns, four of rows, which VLDRB widens,
and eight ``VMLADAV`` make 64 products.
"""

from __future__ import annotations

import functools

from codegen.assembly.block import Block, noted
from codegen.assembly.cost import Cost
from codegen.assembly.mve.scaling import Form
from codegen.assembly.mve.tiles import SUMS, clear, finish_tile

STEP = 8
"""Elements that are multiplied together."""
TILES, X_STEP, ROWS, PLACE, TABLE, ZERO_POINT, LOW = 12, 16, 24, 36, 52, 88, 92
"""Offsets in ``ek_matmul_pair``."""
AT_X, AT_Y, AT_TILES, FRAME = 4, 8, 12, 16
"""At the stack pointer, behind the arguments' address."""
X = ("r1", "r3", "r5", "r7")
"""Loads that widen bytes take low registers."""


@functools.cache
def pair_block(form: Form) -> tuple[Block, Cost, Cost]:
    """``ek_matmul_pair_s8(a, x, y)``; the instructions of a tile and of a step."""
    b = Block(f"matmul_pair_{form.tag}")
    b.name(w="r9", steps="r11", y="r5", table="r11", zero="q6", place="q7")
    b.name(first="q0", second="q1", free="q2")
    last = b.label("last")
    b.op("push {{r4-r11, lr}}")
    b.op("vpush {{d12-d15}}")
    b.op("ldr r3, [r0, #{at}]", at=TILES)
    b.op("push {{r0-r3}}")
    b.op("ldr r3, [r0, #8]")
    b.op("vctp.16 r3")
    b.op("add r3, r0, #{at}", at=PLACE)
    b.op("vldrh.u16 {place}, [r3]")
    b.op("ldr r3, [r0, #{at}]", at=ZERO_POINT)
    b.op("vdup.16 {zero}, r3")
    start = b.cost()
    with b.loop("subs r7, r7, #1", "str r7, [sp, #12]", "bne {head}"):
        _tile_head(b)
        b.op("cmp {steps}, #0")
        b.op("beq {label}", label=last)
        before = b.cost()
        with b.loop("subs {steps}, {steps}, #1", "bne {head}"):
            _products(b, "")
        step = b.cost() - before
        b.place(last)
        _products(b, "t")
        with b.part("requantize"):
            b.op("ldr {y}, [sp, #{at}]", at=AT_Y)
            b.op("ldr {table}, [sp]")
            b.op("add {table}, {table}, #{at}", at=TABLE)
            finish_tile(b, form, LOW)
        _tile_tail(b)
    tile = b.cost() - start - step
    b.op("add sp, sp, #{size}", size=FRAME)
    b.op("vpop {{d12-d15}}")
    b.op("pop {{r4-r11, pc}}")
    return b, tile, step


@noted
def _tile_head(b: Block) -> None:
    """Pointers to the rows and to the columns, and sums of zero."""
    b.op("ldr r0, [sp]")
    b.op("ldr r1, [sp, #{at}]", at=AT_X)
    b.op("ldr r3, [r0, #{at}]", at=ROWS)
    b.op("ldrd r5, r7, [r0, #{at}]", at=ROWS + 4)
    for x in X[1:]:
        b.op(f"add {x}, {x}, r1")
    b.op("ldrd {w}, {steps}, [r0]")
    clear(b)


@noted
def _products(b: Block, last: str) -> None:
    """Eight elements of four rows times two columns; of the last ones those that are there."""
    with b.part("products"):
        for q in ("q2", "q3"):
            b.op(f"vldrh.u16 {q}, [{{w}}], #16")
        for p, x in enumerate(X):
            if last:
                b.op("vpst")
            b.op(f"vldrb{last}.s16 q{p % 2}, [{x}], #8")
            b.op(f"vmladava.s16 {SUMS[p]}, q{p % 2}, q2")
            b.op(f"vmladava.s16 {SUMS[4 + p]}, q{p % 2}, q3")


def _tile_tail(b: Block) -> None:
    b.op("ldr r0, [sp]")
    b.op("ldrd r2, r4, [r0, #{at}]", at=X_STEP)
    b.op("ldrd r6, r8, [sp, #{at}]", at=AT_X)
    b.op("ldr r7, [sp, #{at}]", at=AT_TILES)
    b.op("add r6, r6, r2")
    b.op("add r8, r8, r4")
    b.op("strd r6, r8, [sp, #{at}]", at=AT_X)


@functools.cache
def fill_block() -> tuple[Block, Cost]:
    """``ek_matmul_fill_s8(s, x, panel, sums)``; the instructions for eight rows."""
    b = Block("matmul_fill")
    b.name(first="r1", second="r5", panel="r2", step="r7", zero="r9", places="q4")
    done = b.label("done")
    b.op("push {{r3-r9, lr}}")
    b.op("vpush {{d8-d9}}")
    b.op("ldrd r12, {step}, [r0]")
    b.op("ldr {zero}, [r0, #8]")
    b.op("mov r4, #0")
    b.op("mov r6, #0")
    b.op("mov r8, #0")
    b.op("vidup.u16 {places}, r8, #1")
    b.op("vmul.i16 {places}, {places}, {step}")
    b.op("lsl {step}, {step}, #3")
    b.op("add {second}, {first}, #1")
    b.op("wlstp.16 lr, r12, {done}", done=done)
    start = b.cost()
    with b.part("packing"), b.loop("letp lr, {head}"):
        for q, x, s in ((0, "first", "r4"), (1, "second", "r6")):
            b.op(f"vldrb.s16 q{q}, [{{{x}}}, {{places}}]")
            b.op(f"vsub.i16 q{q}, q{q}, {{zero}}")
            b.op(f"vaddva.s16 {s}, q{q}")
            b.op(f"vstrh.16 q{q}, [{{panel}}], #16")
            b.op(f"add {{{x}}}, {{{x}}}, {{step}}")
    step = b.cost() - start
    b.place(done)
    b.op("vpop {{d8-d9}}")
    b.op("pop {{r3}}")
    b.op("strd r4, r6, [r3]")
    b.op("pop {{r4-r9, pc}}")
    return b, step
