"""Convolutions of int16 activations: four pixels and two filters in the eight even registers.

Four loads of inputs, two of weights, which VLDRB widens, and eight ``VMLADAV`` make 64 products.
"""

from __future__ import annotations

import functools
import itertools

from codegen.assembly.block import Block, noted, offsets
from codegen.assembly.columns import PIXELS, TAPS, Columns
from codegen.assembly.isa import MVE
from codegen.assembly.mve.tiles import SUMS

LOCALS = offsets(("y", "end", "x", "distance", "groups", "from", "to", "spare"))
"""At the stack pointer."""
LOCAL_BYTES = 4 * len(LOCALS)
N1, GROUPS, DISTANCE = 12, 32, 40
"""Offsets in ``ek_columns``; weights, end and entry stand before the first."""
GROUP_INSTRUCTIONS = 14
"""Of eight taps, four pixels and two filters."""
X = ("r1", "r3", "r5", "r9")


@functools.cache
def columns_block(positive: bool) -> Block:
    """``void f(const ek_columns *a, const int16_t *x, int16_t *y)``.

    Args:
        positive: outputs begin at 0.
    """
    b = Block(f"column_rows{'_positive' * positive}")
    b.name(w="r7", count="r11")  # loads that widen bytes take low registers
    pair, started, resume, wait, written = b.labels("pair started resume wait written")
    sums = ", ".join(SUMS)
    _enter(b)
    b.place(pair)
    b.op("ldrd r1, r0, [sp, #{o}]", o=LOCALS["x"])
    for before, after in itertools.pairwise(X):
        b.op(f"add {after}, {before}, r0")
    b.op("ldr {count}, [sp, #{o}]", o=LOCALS["from"])
    b.op("cmp {count}, #0")
    b.op("bne {label}", label=resume)
    for first in (0, PIXELS):
        b.op(f"ldr {SUMS[first]}, [{{w}}], #4")
        for s in SUMS[first + 1 : first + PIXELS]:
            b.op(f"mov {s}, {SUMS[first]}")
    b.place(started)
    b.op("ldr {count}, [sp, #{o}]", o=LOCALS["groups"])
    with b.loop("subs {count}, #1", "bne {head}"):
        _products(b)
    b.op("ldr {count}, [sp, #{o}]", o=LOCALS["to"])
    b.op("cmp {count}, #0")
    b.op("bne {label}", label=wait)
    _finish(b, positive)
    b.place(written)
    b.op("ldr r0, [sp, #{o}]", o=LOCALS["end"])
    b.op("cmp {w}, r0")
    b.op("bne {label}", label=pair)
    b.op("add sp, #{o}", o=LOCAL_BYTES)
    b.op("pop {{r3-r11, pc}}")
    b.place(resume)
    b.op(f"ldm {{count}}!, {{{{{sums}}}}}")
    b.op("str {count}, [sp, #{o}]", o=LOCALS["from"])
    b.op("b {label}", label=started)
    b.place(wait)
    b.op(f"stm {{count}}!, {{{{{sums}}}}}")
    b.op("str {count}, [sp, #{o}]", o=LOCALS["to"])
    b.op("b {label}", label=written)
    return b


@noted
def _enter(b: Block) -> None:
    """Variables at the stack pointer; behind them the arguments' place, then what is saved."""
    b.op("mov r3, r0")
    b.op("push {{r3-r11, lr}}")
    b.op("sub sp, #{o}", o=LOCAL_BYTES)
    b.op("ldrd {w}, r4, [r0]")
    b.op("strd r2, r4, [sp, #{o}]", o=LOCALS["y"])
    b.op("ldr r4, [r0, #{o}]", o=DISTANCE)
    b.op("lsl r4, r4, #1")
    b.op("strd r1, r4, [sp, #{o}]", o=LOCALS["x"])
    b.op("add r4, r0, #{o}", o=N1 + 12)
    b.op("ldm r4, {{r5, r6, r8}}")  # from, to, groups
    b.op("strd r8, r5, [sp, #{o}]", o=LOCALS["groups"])
    b.op("str r6, [sp, #{o}]", o=LOCALS["to"])


@noted
def _products(b: Block) -> None:
    """Eight taps of four pixels times two filters."""
    b.op("vldrb.s16 q2, [{w}], #8")
    b.op("vldrb.s16 q3, [{w}], #8")
    for p, x in enumerate(X):
        b.op(f"vldrh.u16 q{p % 2}, [{x}], #16")
        b.op(f"vmladava.s16 {SUMS[p]}, q{p % 2}, q2")
        b.op(f"vmladava.s16 {SUMS[PIXELS + p]}, q{p % 2}, q3")


@noted
def _finish(b: Block, positive: bool) -> None:
    """Eight outputs."""
    b.op("ldrd r1, r3, [{w}], #8")
    for index, s in enumerate(SUMS):
        b.op(f"smmulr {s}, {s}, {'r1' if index < PIXELS else 'r3'}")
    for s in SUMS:
        b.op(f"usat {s}, #15, {s}" if positive else f"ssat {s}, #16, {s}")
    b.op("ldr r1, [sp, #{o}]", o=LOCAL_BYTES)
    b.op("ldrd r3, r5, [r1, #{o}]", o=N1)
    b.op("ldr r9, [r1, #{o}]", o=N1 + 8)
    b.op("ldr r1, [sp, #{o}]", o=LOCALS["y"])
    for first in (0, PIXELS):
        for s, distance in zip(SUMS[first + 1 : first + PIXELS], ("r3", "r5", "r9"), strict=True):
            b.op(f"strh {s}, [r1, {distance}, lsl #1]")
        b.op(f"strh {SUMS[first]}, [r1], #2")
    b.op("str r1, [sp, #{o}]", o=LOCALS["y"])


COLUMNS = Columns(
    isa=MVE, write=columns_block, portable="ek_column_rows_s16", driver="ek_conv_rows_s16",
    apart=True, together=2, run=TAPS, group=GROUP_INSTRUCTIONS, filters=22, turn=2, scale=31,
    copy=13, row=61, border=23, rest=65, tile=380,
).variant()  # fmt: skip
"""Four pixels of int16 with two filters."""
