"""Convolutions of int16 activations: four pixels and two filters in the eight even registers.

Four loads of inputs, two of weights, which VLDRB widens, and eight ``VMLADAV`` make 64 products.
"""

from __future__ import annotations

import functools
import itertools

import numpy as np
from numpy.typing import NDArray

from codegen.assembly.block import Block, noted, offsets
from codegen.assembly.columns import (
    PIXELS,
    TAPS,
    column_bytes,
    high_multipliers,
    overlap,
    parts_of,
    refuse,
    working_memory,
)
from codegen.assembly.cost import Cost
from codegen.assembly.isa import MVE
from codegen.assembly.mve.tiles import SUMS
from codegen.c.operators.geometry import declare_window
from codegen.c.operators.integer import attributes
from codegen.c.step import StepWriter, Variant
from edgekit.ir import Node
from edgekit.ir.ops import QConv2D

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


def order_of(filters: int) -> list[int]:
    """Filters as the function takes them: an odd last one comes with the one before it."""
    whole = list(range(filters & ~1))
    return whole + [filters - 2, filters - 1] * (filters % 2)


def stream(node: Node) -> NDArray[np.int32]:
    """Starts, weights and scales of two filters at a time, part by part."""
    op = node.op
    assert isinstance(op, QConv2D)
    order, parts = order_of(node.output.type.shape[3]), parts_of(node)
    rows = node.input(1).array[order].reshape(len(order), parts.height, parts.width)
    found: list[NDArray[np.int32]] = []
    for index, (row, piece) in enumerate(parts.slices):
        taps = rows[:, row, piece].reshape(len(rows), -1)
        taps = np.pad(taps, ((0, 0), (0, -taps.shape[1] % TAPS)))
        turned = taps.reshape(len(rows) // 2, 2, -1, TAPS).transpose(0, 2, 1, 3)
        columns = [np.ascontiguousarray(turned).reshape(len(rows) // 2, -1).view("<i4")]
        if index == 0:
            columns.insert(0, node.input(2).array[order].astype(np.int32).reshape(-1, 2))
        if index == len(parts.slices) - 1:
            scales = high_multipliers(node, op.requant)[order]
            columns.append(scales.astype(np.int32).reshape(-1, 2))
        found.append(np.concatenate(columns, axis=1).ravel())
    return np.concatenate(found).astype(np.int32)


def scratch(node: Node) -> int:
    """Bytes of the copied windows and of the sums that wait."""
    waiting = len(parts_of(node).slices) > 1
    return column_bytes(node) + 4 * PIXELS * len(order_of(node.output.type.shape[3])) * waiting


def emit(w: StepWriter) -> None:
    """Write a layer."""
    op, parts, filters = attributes(w, QConv2D), parts_of(w.node), w.node.output.type.shape[3]
    _, height, width, _ = w.node.input(1).type.shape
    window = declare_window(w, (height, width), op.window)
    layer = w.declare(
        "ek_conv_columns", "columns",
        weights=w.weights(stream(w.node), "weights"), rows=parts.rows, piece=parts.piece,
        filters=filters & ~1, again=2 * (filters % 2), group_bytes=0, low=op.requant.low,
    )  # fmt: skip
    kernel = w.function(MVE, columns_block(op.requant.low == 0), "ek_column_rows_s16")
    columns, sums = working_memory(w)
    taps = TAPS * max(parts.groups)
    with w.each_sample(w.node.input(0), w.node.output) as (x, y):
        w.call("ek_conv_rows_s16", window, layer, kernel, taps, x, columns, sums, y)


def refuse_columns(node: Node) -> str:
    """Why the function cannot compute a node; empty where it can."""
    return refuse(node) or ("one filter" if node.output.type.shape[3] < 2 else "")


def cost(node: Node) -> Cost:
    """Executed by one run; what the driver in C spends was measured."""
    op = node.op
    assert isinstance(op, QConv2D)
    parts, filters = parts_of(node), node.output.type.shape[3]
    pairs = len(order_of(filters)) // 2
    tile = Cost(control=380, requantize=31 * pairs)
    for (rows, piece), groups in zip(parts.slices, parts.groups, strict=True):
        count = rows.stop - rows.start
        rest = count * (piece.stop - piece.start) % TAPS != 0
        filling = 13 * groups + 61 * count + 65 * rest
        borders = 23 * count * any(op.window.padding)
        tile += PIXELS * Cost(packing=filling, borders=borders)
        tile += pairs * Cost(products=GROUP_INSTRUCTIONS * groups, control=22 + 2 * groups)
    pixels = node.output.type.size // filters
    return -(-pixels // PIXELS) * tile


COLUMNS = Variant(
    emit,
    scratch,
    overlap=overlap,
    name="columns",
    refuse=refuse_columns,
    cost=cost,
)
"""Four pixels of int16 with two filters."""
