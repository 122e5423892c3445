"""Dense layers of int16 activations on Armv7E-M: four filters at a time, 19 instructions for 16
products."""

from __future__ import annotations

import functools

import numpy as np
from numpy.typing import NDArray

from codegen.assembly.armv7e_m.columns import ORDER
from codegen.assembly.block import Block, noted, offsets
from codegen.assembly.columns import high_multipliers, refuse_wide
from codegen.assembly.cost import Cost
from codegen.assembly.isa import ARMV7E_M
from codegen.c.operators.integer import attributes
from codegen.c.step import StepWriter, Variant
from edgekit.ir import Node
from edgekit.ir.ops import QDense

LOCALS = offsets(("y", "end", "x", "whole_end", "row_end", "entry"))
"""At the stack pointer."""
LOCAL_BYTES = 4 * len(LOCALS)
BLOCK = 4
"""Filters that are computed together."""
GROUP = 4
"""Inputs that are multiplied together."""
UNROLL = 4
"""Groups in a loop; a sum of fewer begins inside it."""
GROUP_INSTRUCTIONS = 19
GROUP_BYTES = 4 * GROUP_INSTRUCTIONS
"""All instructions have four bytes."""
SUMS = ("r0", "r1", "r2", "r3")
WEIGHTS = ("r4", "r5", "r6", "r7")


@functools.cache
def dense_function(positive: bool) -> Block:
    """``void f(const ek_dense_words *a, const int16_t *x, int16_t *y)``.

    Args:
        positive: outputs begin at 0.
    """
    b = Block(f"dense_s16{'_positive' * positive}")
    b.name(first="r8", second="r9", x="r10", w="r11", x_end="r12", part="lr")
    block, multiplied = b.labels("block multiplied")
    b.op("push {{r4-r11, lr}}")
    b.op("sub sp, #{o}", o=LOCAL_BYTES)
    b.op("ldm r0, {{r3-r7}}")  # weights, end, bytes in whole groups, bytes of the row, entry
    b.op("mov {w}, r3")
    b.op("add r5, r1")
    b.op("add r6, r1")
    b.op("adr r8, {label}", label=multiplied)
    b.op("sub r8, r7")
    b.op("add r8, #1")
    b.op("strd r2, r4, [sp, #{o}]", o=LOCALS["y"])
    b.op("strd r1, r5, [sp, #{o}]", o=LOCALS["x"])
    b.op("strd r6, r8, [sp, #{o}]", o=LOCALS["row_end"])
    b.place(block)
    b.op("ldm {w}!, {{r0-r3}}")
    b.op("ldrd {x}, {x_end}, [sp, #{o}]", o=LOCALS["x"])
    b.op("ldr pc, [sp, #{o}]", o=LOCALS["entry"])
    _multiply(b, multiplied)
    b.op("ldm {w}!, {{r4-r7}}")
    for s, scale in zip(SUMS, WEIGHTS, strict=True):
        b.op(f"smmulr {s}, {s}, {scale}")
    b.op("ldrd r8, r9, [sp, #{o}]", o=LOCALS["y"])
    for s in SUMS:
        b.op(f"usat {s}, #15, {s}" if positive else f"ssat {s}, #16, {s}")
        b.op(f"strh {s}, [r8], #2")
    b.op("str r8, [sp, #{o}]", o=LOCALS["y"])
    b.op("cmp {w}, r9")
    b.op("bne {label}", label=block)
    b.op("add sp, #{o}", o=LOCAL_BYTES)
    b.op("pop {{r4-r11, pc}}")
    return b


@noted
def _multiply(b: Block, multiplied: str) -> None:
    """A whole row; a last group that is not whole ends with it, with zeros before its inputs."""
    head, last, done = b.labels("head last done")
    b.place(head)
    for index in range(UNROLL):
        if index == UNROLL - 1:
            b.place(last)
        b.op("ldr {first}, [{x}], #4")
        b.op("ldr {second}, [{x}], #4")
        b.op("ldm {w}!, {{r4-r7}}")
        for s, weights in zip(SUMS, WEIGHTS, strict=True):
            b.op(f"sxtb16 {{part}}, {weights}")
            b.op(f"smlad {s}, {{part}}, {{first}}, {s}")
            b.op(f"sxtb16 {weights}, {weights}, ror #8")
            b.op(f"smlad {s}, {weights}, {{second}}, {s}")
    b.place(multiplied)
    b.op("cmp {x}, {x_end}")
    b.op("bne {head}", head=head)
    b.op("ldr r4, [sp, #{o}]", o=LOCALS["row_end"])
    b.op("cmp {x}, r4")
    b.op("beq {done}", done=done)
    b.op("sub {x}, r4, #8")
    b.op("mov {x_end}, r4")
    b.op("b {last}", last=last)
    b.place(done)


def stream(node: Node) -> NDArray[np.int32]:
    """Starts, weights and scales of four filters at a time; a last block repeats filters."""
    op, weights = node.op, node.input(1).array
    assert isinstance(op, QDense)
    filters, depth = weights.shape
    order = list(range(filters // BLOCK * BLOCK))
    order += range(filters - BLOCK, filters) if filters % BLOCK else []
    rest = depth % GROUP
    zeros = np.zeros((filters, -rest % GROUP), np.int8)
    whole = np.concatenate([weights[:, : depth - rest], zeros, weights[:, depth - rest :]], axis=1)
    groups = whole[order].reshape(len(order) // BLOCK, BLOCK, -1, GROUP).transpose(0, 2, 1, 3)
    turned = np.ascontiguousarray(groups[..., ORDER]).reshape(len(order) // BLOCK, -1)
    found = [
        node.input(2).array[order].astype(np.int32).reshape(-1, BLOCK),
        turned.view("<i4"),
        high_multipliers(node, op.requant)[order].astype(np.int32).reshape(-1, BLOCK),
    ]
    return np.concatenate(found, axis=1).ravel()


def emit(w: StepWriter) -> None:
    """Write a layer: whole blocks, then the one that repeats filters."""
    op, x, y = attributes(w, QDense), w.node.input(0), w.node.output
    depth, filters = x.type.shape[1], y.type.shape[1]
    groups = depth // GROUP
    block_words = 2 * BLOCK + BLOCK * -(-depth // GROUP)
    weights = w.weights(stream(w.node), "weights")
    kernel = dense_function(op.requant.low == 0)
    ends = [0, filters // BLOCK, filters // BLOCK + (filters % BLOCK != 0)]
    for name, start, end in (("layer", ends[0], ends[1]), ("rest", ends[1], ends[2])):
        if start == end:
            continue
        layer = w.declare(
            "ek_dense_words", name, weights=f"{weights} + {start * block_words}",
            end=f"{weights} + {end * block_words}", whole_bytes=2 * GROUP * groups,
            row_bytes=2 * depth, entry=((groups - 1) % UNROLL + 1) * GROUP_BYTES,
            low=op.requant.low,
        )  # fmt: skip
        first = 0 if start == 0 else filters - BLOCK
        with w.each_sample(x, y) as (source, target):
            to = f"{target} + {first}" if first else target
            w.assemble(ARMV7E_M, kernel, "ek_dense_words_s16", layer, source, to)


def refuse(node: Node) -> str:
    """Why the function cannot compute a node; empty where it can."""
    op = node.op
    assert isinstance(op, QDense)
    problem = refuse_wide(node, op.requant)
    if problem:
        return problem
    filters, depth = node.input(1).type.shape
    if filters < BLOCK or depth < GROUP:
        return f"fewer than {BLOCK} filters or {GROUP} inputs"
    return ""


def cost(node: Node) -> Cost:
    """Executed by one run."""
    filters, depth = node.input(1).type.shape
    groups = -(-depth // GROUP)
    block = Cost(products=GROUP_INSTRUCTIONS * groups, requantize=14)
    block += 11 + 2 * -(-(depth // GROUP) // UNROLL) + 7 * (depth % GROUP != 0)
    row = block * -(-filters // BLOCK) + 20 * (1 + (filters % BLOCK != 0))
    return node.input(0).type.shape[0] * row


DENSE_WORDS = Variant(
    emit,
    name="dense words",
    refuse=refuse,
    cost=cost,
)
"""Four filters of int16."""
