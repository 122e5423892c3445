"""An image of one column is one row of the same bytes, and kernels that walk along rows serve."""

from __future__ import annotations

from dataclasses import replace

from codegen.c.step import StepWriter
from edgekit.ir import Node, TensorType, Value
from edgekit.ir.ops import QConv2D, Window


def turned(node: Node) -> Node:
    """A convolution along a column of one pixel's width as one along a row: the bytes are those."""
    op, x, weights, y = node.op, node.input(0), node.input(1), node.output
    assert isinstance(op, QConv2D)
    if (x.type.shape[2], weights.type.shape[2], y.type.shape[2]) != (1, 1, 1):
        return node
    top, left, bottom, right = op.window.padding
    window = Window(op.window.strides[::-1], (left, top, right, bottom), op.window.dilations[::-1])
    inputs = (_turned(x), _turned(weights), node.optional_input(2))
    op = replace(op, window=window)
    return Node(node.name, op, inputs, (_turned(y),), node.origin, node.device)


def turned_step(w: StepWriter) -> StepWriter:
    """The writer of a step whose node is `turned`."""
    return replace(w, step=replace(w.step, node=turned(w.node)))


def _turned(value: Value) -> Value:
    first, height, width, last = value.type.shape
    data = value.array.transpose(0, 2, 1, 3) if value.is_constant else None
    return Value(value.name, TensorType((first, width, height, last), value.type.dtype), data)
