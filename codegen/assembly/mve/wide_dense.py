"""Dense layers of int16 activations: a row with eight filters at a time, which VLDRB widens."""

from __future__ import annotations

import functools

import numpy as np
from numpy.typing import NDArray

from codegen.assembly.block import Block, noted
from codegen.assembly.columns import high_multipliers, refuse_wide
from codegen.assembly.cost import Cost
from codegen.assembly.isa import MVE
from codegen.assembly.mve.tiles import SUMS
from codegen.c.operators.integer import attributes
from codegen.c.operators.overlap import by_row
from codegen.c.step import StepWriter, Variant
from edgekit.ir import Node
from edgekit.ir.ops import QDense

GROUP, STEP = 8, 8
"""Filters that are computed together, inputs that are multiplied together."""
ROW = 6
"""Instructions of a row in C."""


@functools.cache
def wide_lanes_block(positive: bool) -> tuple[Block, Cost, Cost]:
    """``ek_wide_lanes_s16(a, x, y)``; instructions of eight filters, and of a step before the last.

    Args:
        positive: outputs begin at 0.
    """
    b = Block(f"wide_lanes{'_positive' * positive}")
    b.name(x="r1", w="r3", steps="r5", y="r7", x_start="r9", left="r11")
    last = b.label("last")
    b.op("push {{r4-r11, lr}}")
    b.op("mov {y}, r2")
    b.op("mov {x_start}, {x}")
    b.op("ldrd {w}, {left}, [r0]")
    b.op("ldrd r4, r5, [r0, #8]")
    b.op("push {{r4, r5}}")
    start = b.cost()
    with b.loop("subs {left}, {left}, #8", "bgt {head}"):
        b.op(f"ldm {{w}}!, {{{{{', '.join(SUMS)}}}}}")
        b.op("mov {x}, {x_start}")
        b.op("ldr {steps}, [sp]")
        b.op("cmp {steps}, #0")
        b.op("beq {label}", label=last)
        before = b.cost()
        with b.loop("subs {steps}, {steps}, #1", "bne {head}"), b.part("products"):
            b.op("vldrh.u16 q0, [{x}], #16")
            _products(b)
        step = b.cost() - before
        b.place(last)
        b.op("ldr {steps}, [sp, #4]")
        b.op("vctp.16 {steps}")
        with b.part("products"):
            b.op("vpst")
            b.op("vldrht.u16 q0, [{x}]")
            _products(b)
        with b.part("requantize"):
            _finish(b, positive)
    group = b.cost() - start - step
    b.op("add sp, sp, #8")
    b.op("pop {{r4-r11, pc}}")
    return b, group, step


@noted
def _products(b: Block) -> None:
    """Eight inputs times eight filters."""
    for s in SUMS:
        b.op("vldrb.s16 q1, [{w}], #8")
        b.op(f"vmladava.s16 {s}, q0, q1")


@noted
def _finish(b: Block, positive: bool) -> None:
    """Scale the sums, even filters in q0 and odd ones in q1, and store those that there are."""
    for q in range(2):
        s = SUMS[q::2]
        b.op(f"vmov q{q}[2], q{q}[0], {s[0]}, {s[2]}")
        b.op(f"vmov q{q}[3], q{q}[1], {s[1]}, {s[3]}")
        b.op("vldrw.u32 q2, [{w}], #16")
        b.op(f"vrmulh.s32 q{q}, q{q}, q2")
    b.op("vqmovnb.s32 q0, q0")
    b.op("vqmovnt.s32 q0, q1")
    if positive:
        b.op("vmov.i32 q1, #0")
        b.op("vmax.s16 q0, q0, q1")
    b.op("vctp.16 {left}")
    b.op("vpst")
    b.op("vstrht.16 q0, [{y}], #16")


def stream(node: Node) -> NDArray[np.int32]:
    """For eight filters at a time: starts, weights step by step, scales of even and odd ones."""
    op, weights = node.op, node.input(1).array
    assert isinstance(op, QDense)
    filters, depth = weights.shape
    more = -filters % GROUP
    starts = np.pad(node.input(2).array.astype(np.int64), (0, more)).reshape(-1, GROUP)
    scales = np.pad(high_multipliers(node, op.requant), (0, more)).reshape(-1, GROUP // 2, 2)
    filled = np.pad(weights, ((0, more), (0, -depth % STEP)))
    steps = filled.reshape(len(starts), GROUP, -1, STEP).transpose(0, 2, 1, 3)
    words = np.ascontiguousarray(steps).reshape(len(starts), -1).view("<i4")
    parts = starts, words, scales.transpose(0, 2, 1).reshape(-1, GROUP)
    return np.concatenate(parts, axis=1).ravel().astype(np.int32)


def refuse(node: Node) -> str:
    """Why the function cannot compute a node; empty where it can."""
    op = node.op
    assert isinstance(op, QDense)
    return refuse_wide(node, op.requant)


def emit(w: StepWriter) -> None:
    """Write a layer."""
    op, (filters, depth) = attributes(w, QDense), w.node.input(1).type.shape
    data = stream(w.node)
    layer = w.declare(
        "ek_wide_lanes", "lanes",
        weights=w.weights(data, "weights", 2 * 4 * -(-filters // GROUP) * GROUP), filters=filters,
        steps=(depth - 1) // STEP, rest=(depth - 1) % STEP + 1, low=op.requant.low,
    )  # fmt: skip
    block = wide_lanes_block(op.requant.low == 0)[0]
    x, y, rows = w.read(w.node.input(0)), w.write(w.node.output), w.node.input(0).type.shape[0]
    with w.loop("i", rows):
        from_, to = f"{x} + i * {depth}", f"{y} + i * {filters}"
        w.assemble(MVE, block, "ek_wide_lanes_s16", layer, from_, to)


def cost(node: Node) -> Cost:
    """Executed by one run."""
    op, (filters, depth) = node.op, node.input(1).type.shape
    assert isinstance(op, QDense)
    block, group, step = wide_lanes_block(op.requant.low == 0)
    groups = -(-filters // GROUP) * (group + (depth - 1) // STEP * step)
    return node.input(0).type.shape[0] * (block.cost() - group - step + ROW + groups)


WIDE_DENSE = Variant(
    emit,
    overlap=by_row,
    name="lanes of int16",
    refuse=refuse,
    cost=cost,
)
"""Eight filters of int16 activations."""
