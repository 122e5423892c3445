"""Depthwise convolutions of int16 with any window on Armv7E-M, all channels of a pixel at a time.

Four channels are two words of a pixel; SXTB16 makes halfwords of their four weights, and SMLABB,
SMLATB, SMLABT, SMLATT take a half of each. Taps outside the input are left out, so that nothing is
copied. It is for layers of a few outputs (streaming models have one), and for windows that areas
and lines leave over.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from codegen.assembly.armv7e_m.depthwise_filters import whole_quads
from codegen.assembly.block import WORD, Block, noted, offsets
from codegen.assembly.columns import high_multipliers, refuse_wide
from codegen.assembly.cost import Cost
from codegen.assembly.isa import ARMV7E_M
from codegen.assembly.refusal import OtherKind
from codegen.c.operators.geometry import declare_window
from codegen.c.operators.integer import is_depthwise, repeats_of
from codegen.c.operators.overlap import Declared, Walk, by_walk
from codegen.c.step import StepWriter, Variant
from edgekit.ir import DType, Node
from edgekit.ir.ops import QConv2D

_FRAME = offsets(
    ("rows", "columns", "column", "first", "row", "skipped", "rest", "x", "y", "channels")
)
_FRAME_BYTES = WORD * len(_FRAME)
_SUMS = ("r4", "r5", "r6", "r7")
CALL = 95
"""Instructions of the driver for a pixel, measured."""


def pixel_block(positive: bool) -> Block:
    """``(const ek_depthwise_pixels *, x, y, const ek_depthwise_taps *)``.

    Args:
        positive: outputs begin at 0.
    """
    b = Block("depthwise_pixel_s16" + "_positive" * positive)
    b.name(column="r0", rows="r2", columns="r3", x="r8", filter="r12")
    b.name(x01="r9", x23="r10", w02="r11", w13="lr")
    quad, empty, end = b.labels("quad empty end")
    b.op("push {{r4-r11, lr}}")
    b.op(f"sub sp, sp, #{_FRAME_BYTES}")
    b.op("ldm r3, {{r4-r10}}")
    b.op("stm sp, {{r4-r10}}")
    b.op(f"strd r1, r2, [sp, #{_FRAME['x']}]")
    b.op("ldrd {filter}, r2, [r0]")
    b.op(f"str r2, [sp, #{_FRAME['channels']}]")
    b.place(quad)
    b.op("ldm {filter}!, {{r4-r7}}")
    _get(b, "{x}", "x")
    b.op(f"ldrd {{column}}, r1, [sp, #{_FRAME['column']}]")
    b.op("add {filter}, {filter}, r1")
    _get(b, "{rows}", "rows")
    b.op("cmp {rows}, #0")
    b.op("beq {empty}", empty=empty)
    with b.loop("subs {rows}, {rows}, #1", "bne {head}", name="row"):
        _get(b, "{columns}", "columns")
        with b.loop("subs {columns}, {columns}, #1", "bne {head}", name="tap"):
            _tap(b)
        b.op(f"ldrd r9, r10, [sp, #{_FRAME['row']}]")
        b.op("add {x}, {x}, r9")
        b.op("add {filter}, {filter}, r10")
    b.place(empty)
    _store(b, positive)
    _get(b, "r2", "channels")
    b.op("subs r2, r2, #4")
    b.op("ble {end}", end=end)
    _next(b)
    b.op("b {quad}", quad=quad)
    b.place(end)
    b.op(f"add sp, sp, #{_FRAME_BYTES}")
    b.op("pop {{r4-r11, pc}}")
    return b


def _get(b: Block, register: str, variable: str) -> None:
    b.op(f"ldr {register}, [sp, #{_FRAME[variable]}]")


@noted
def _tap(b: Block) -> None:
    """Four channels of a pixel of the window."""
    b.op("ldr {x01}, [{x}]")
    b.op("ldr {x23}, [{x}, #4]")
    b.op("add {x}, {x}, {column}")
    b.op("ldr {w02}, [{filter}], #4")
    b.op("sxtb16 {w13}, {w02}, ror #8")
    b.op("sxtb16 {w02}, {w02}")
    b.op("smlabb r4, {x01}, {w02}, r4")
    b.op("smlatb r5, {x01}, {w13}, r5")
    b.op("smlabt r6, {x23}, {w02}, r6")
    b.op("smlatt r7, {x23}, {w13}, r7")


@noted
def _store(b: Block, positive: bool) -> None:
    """Scale and store four outputs."""
    _get(b, "r1", "rest")
    b.op("add {filter}, {filter}, r1")
    b.op("ldm {filter}!, {{r8-r11}}")
    _get(b, "r1", "y")
    for sum, multiplier in zip(_SUMS, ("r8", "r9", "r10", "r11"), strict=True):
        b.op(f"smmulr {sum}, {sum}, {multiplier}")
        b.op(f"usat {sum}, #15, {sum}" if positive else f"ssat {sum}, #16, {sum}")
        b.op(f"strh {sum}, [r1], #2")


@noted
def _next(b: Block) -> None:
    """Four channels on, or as many as are left: the last four are whole."""
    b.op(f"str r2, [sp, #{_FRAME['channels']}]")
    b.op("mov r3, #8")
    b.op("cmp r2, #4")
    b.op("it lt")
    b.op("lsllt r3, r2, #1")
    b.op(f"ldrd r8, r9, [sp, #{_FRAME['x']}]")
    b.op("add r8, r8, r3")
    b.op("add r9, r9, r3")
    b.op(f"strd r8, r9, [sp, #{_FRAME['x']}]")


def refuse(node: Node) -> str:
    """Why the block cannot compute a layer."""
    op = node.op
    assert isinstance(op, QConv2D)
    if node.input(0).type.dtype is not DType.INT16 or not is_depthwise(node):
        return OtherKind("not a depthwise convolution of int16")
    if repeats_of(node) > 1 or node.input(0).type.shape[3] < 4:
        return OtherKind("not one filter for each of at least 4 channels")
    return refuse_wide(node, op.requant)


def pack(node: Node) -> NDArray[np.int32]:
    """For four channels biases, weights tap by tap, multipliers."""
    op, weights = node.op, node.input(1).array
    assert isinstance(op, QConv2D)
    order = whole_quads(len(weights))
    taps = weights.reshape(len(weights), -1)[order].reshape(len(order) // 4, 4, -1)
    words = np.ascontiguousarray(taps.transpose(0, 2, 1)).view("<i4")[..., 0]
    ends = (node.input(2).array, high_multipliers(node, op.requant))
    bias, scale = (e[order].reshape(-1, 4).astype(np.int32) for e in ends)
    return np.concatenate([bias, words, scale], axis=1)


def emit(w: StepWriter) -> None:
    """Write a step."""
    op, node = w.node.op, w.node
    assert isinstance(op, QConv2D)
    packed = pack(node)
    _, height, width, _ = node.input(1).type.shape
    window = declare_window(w, (height, width), op.window, op.groups)
    layer = w.declare(
        "ek_depthwise_pixels", "pixels",
        filters=w.weights(packed, "filters", 4 * 8 * len(packed)),
        channels=node.input(0).type.shape[3], low=op.requant.low,
    )  # fmt: skip
    multiply = w.function(ARMV7E_M, pixel_block(op.requant.low == 0), "ek_depthwise_pixel_s16")
    with w.each_sample(node.input(0), node.output) as (x, y):
        w.call("ek_depthwise_pixels_s16", multiply, window, layer, x, y)


def overlap(node: Node) -> Declared:
    """A pixel is written while all of its window is still needed."""
    op = node.op
    assert isinstance(op, QConv2D)
    _, height, width, _ = node.input(1).type.shape
    return by_walk(node, Walk((height, width), op.window))


def _inside(node: Node, axis: int) -> Iterator[int]:
    """Of each row (column) of outputs: how many rows (columns) of taps are inside the input."""
    op = node.op
    assert isinstance(op, QConv2D)
    size, taps = node.input(0).type.shape[1 + axis], node.input(1).type.shape[1 + axis]
    for index in range(node.output.type.shape[1 + axis]):
        at = index * op.window.strides[axis] - op.window.padding[axis]
        reached = at + np.arange(taps) * op.window.dilations[axis]
        yield int(np.count_nonzero((reached >= 0) & (reached < size)))


def cost(node: Node) -> Cost:
    """Executed by the block, and by the driver in C."""
    quads = -(-node.input(0).type.shape[3] // 4)
    rows, columns = sum(_inside(node, 0)), sum(_inside(node, 1))
    pixels = node.output.type.size // node.output.type.shape[3]
    samples, height, width, _ = node.output.type.shape
    turns = height * width if node.input(1).type.shape[2] == 1 else rows * width
    taps = samples * (rows * columns * Cost(products=7, packing=3, control=2) + 6 * turns)
    return quads * taps + pixels * (quads * Cost(requantize=14, control=22) + CALL)


DEPTHWISE_PIXELS = Variant(
    emit,
    overlap=overlap,
    name="depthwise pixels",
    refuse=refuse,
    cost=cost,
    stack=lambda node: _FRAME_BYTES,
)
"""Any window of int16."""
