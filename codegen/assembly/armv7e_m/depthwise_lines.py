"""Depthwise convolutions of int16 with 3x3 windows on Armv7E-M, row by row of the output."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from codegen.assembly.armv7e_m.depthwise_line_block import FRAME_BYTES, line_block, line_cost
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

WORDS, TABLE_BYTES = 5, 8
"""Words of a channel; bytes of them that are bias and multiplier."""
CALL = 39
"""Instructions of the driver for a row, measured."""


@dataclass(frozen=True)
class Line:
    """Windows along a row: those with a third column, whether the first lacks its first column, and
    whether there is one more, without its third column."""

    columns: int
    left: int
    right: int


def _line(node: Node) -> Line | None:
    """The windows of a row; None where one reaches further over an edge than by one column."""
    op = node.op
    assert isinstance(op, QConv2D)
    size, count = node.input(0).type.shape[2], node.output.type.shape[2]
    left, stride = op.window.padding[1], op.window.strides[1]
    columns = min(count, max((size + left - 3) // stride + 1, 0))
    right = count - columns
    reach = (count - 1) * stride - left + 2  # behind the second column of the last window
    fits = left <= 1 and right <= 1 and reach <= size and size >= 2
    return Line(columns, left, right) if fits else None


def _edges(node: Node) -> Iterator[int]:
    """Of each row of outputs: 1 where it lacks its first row, 2 where it lacks its third."""
    op = node.op
    assert isinstance(op, QConv2D)
    for y in range(node.output.type.shape[1]):
        top = y * op.window.strides[0] - op.window.padding[0]
        yield 1 if top < 0 else 2 if top + 3 > node.input(0).type.shape[1] else 0


def refuse(node: Node) -> str:
    """Why the block cannot compute a layer."""
    op = node.op
    assert isinstance(op, QConv2D)
    if node.input(0).type.dtype is not DType.INT16 or not is_depthwise(node):
        return OtherKind("not a depthwise convolution of int16")
    if node.input(1).type.shape[1:3] != (3, 3) or repeats_of(node) > 1:
        return OtherKind("not a 3x3 window with one filter for each channel")
    window, height, rows = op.window, node.input(0).type.shape[1], node.output.type.shape[1]
    if window.dilations != (1, 1) or window.strides[1] > 2:
        return "dilations, or horizontal strides of more than 2"
    bottom = (rows - 1) * window.strides[0] - window.padding[0] + 3
    if height < 3 or window.padding[0] > 1 or bottom > height + 1 or _line(node) is None:
        return "windows of which more than one row or column is outside"
    return refuse_wide(node, op.requant)


def pack(node: Node) -> NDArray[np.int32]:
    """For each channel its weights as the block expands them, multiplier and bias."""
    op = node.op
    assert isinstance(op, QConv2D)
    weights = node.input(1).array.reshape(-1, 9)
    order = [0, 1, 3, 4, 2, 6, 5, 7]
    words = np.ascontiguousarray(weights[:, order]).view("<i4")
    corner, scale, bias = weights[:, 8], high_multipliers(node, op.requant), node.input(2).array
    return np.concatenate([words, np.stack([corner, scale, bias], 1)], axis=1).astype(np.int32)


def emit(w: StepWriter) -> None:
    """Write a step."""
    op, node = w.node.op, w.node
    assert isinstance(op, QConv2D)
    packed, line = pack(node), _line(node)
    assert line is not None
    filters = w.weights(packed, "filters", TABLE_BYTES * len(packed))
    _, _, width, channels = node.input(0).type.shape
    window = declare_window(w, (3, 3), op.window, op.groups)
    layer = w.declare(
        "ek_depthwise_line", "line", filters=filters, end=f"{filters} + {packed.size}",
        row=2 * width * channels, column=2 * channels, columns=line.columns, left=line.left,
        right=line.right, stride=op.window.strides[1], low=op.requant.low,
    )  # fmt: skip
    block = line_block(op.window.strides[1], op.requant.low == 0)
    multiply = w.function(ARMV7E_M, block, "ek_depthwise_line_s16")
    with w.each_sample(node.input(0), node.output) as (x, y):
        w.call("ek_depthwise_lines_s16", multiply, window, layer, x, y)


def overlap(node: Node) -> Declared:
    """Rows are written while all of their input is still needed."""
    op = node.op
    assert isinstance(op, QConv2D)
    return by_walk(node, Walk((3, 3), op.window, columns=(0,)))


def cost(node: Node) -> Cost:
    """Executed by the block, and by the driver in C."""
    op, line = node.op, _line(node)
    assert isinstance(op, QConv2D)
    assert line is not None
    sizes = node.input(0).type.shape[3], line.columns, line.left, line.right, op.window.strides[1]
    rows = [line_cost(*sizes, edge) + CALL for edge in _edges(node)]
    return node.input(0).type.shape[0] * sum(rows, start=Cost(control=20))


DEPTHWISE_LINES = Variant(
    emit,
    overlap=overlap,
    name="depthwise lines",
    refuse=refuse,
    cost=cost,
    stack=lambda node: FRAME_BYTES,
)
"""3x3 windows of int16."""
