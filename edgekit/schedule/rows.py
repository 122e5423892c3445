"""How operators on NHWC images restrict to ranges of rows."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import NamedTuple

from edgekit.ir import Node, Value
from edgekit.ir.op import Op
from edgekit.ir.ops import (
    Add,
    AvgPool2D,
    Binary,
    Clip,
    Conv2D,
    Dequantize,
    MaxPool2D,
    Mul,
    QAdd,
    QAvgPool2D,
    QClip,
    QCompare,
    QConv2D,
    QLeakyRelu,
    QLookup,
    QMaxPool2D,
    QMeanPool2D,
    QMul,
    QPrelu,
    QRescale,
    QSigmoid,
    QSquaredDifference,
    QTanh,
    Quantize,
    Sub,
    Unary,
    Window,
)

ROW = 1
"""The axis of rows."""
WINDOWED = (AvgPool2D, Conv2D, MaxPool2D, QAvgPool2D, QConv2D, QMaxPool2D, QMeanPool2D)
Windowed = AvgPool2D | Conv2D | MaxPool2D | QAvgPool2D | QConv2D | QMaxPool2D | QMeanPool2D
BY_ELEMENT: tuple[type[Op], ...] = (
    Add, Binary, Clip, Dequantize, Mul, QAdd, QClip, QCompare, QLeakyRelu, QLookup, QMul, QPrelu,
    QRescale, QSigmoid, QSquaredDifference, QTanh, Quantize, Sub, Unary,
)  # fmt: skip


class Rows(NamedTuple):
    """Rows from ``start`` up to and without ``stop``."""

    start: int
    stop: int

    @property
    def height(self) -> int:
        """How many."""
        return self.stop - self.start

    def hull(self, other: Rows | None) -> Rows:
        """The smallest range that holds both."""
        if other is None:
            return self
        return Rows(min(self.start, other.start), max(self.stop, other.stop))


def refusal(node: Node) -> str:
    """Why a node cannot be executed in ranges of rows; empty where it can."""
    if len(node.outputs) != 1 or not _is_image(node.output):
        return "its result is no single image"
    if isinstance(node.op, WINDOWED):
        return _window_refusal(node)
    if not isinstance(node.op, BY_ELEMENT):
        return f"{node.op.label} does not work row by row"
    kinds = [_operand(v, node.output) for v in node.inputs if v is not None]
    return "an operand does not follow its rows" if "other" in kinds else ""


class Reach(NamedTuple):
    """Which rows of an input a range of rows of the result needs.

    Attributes:
        stride: rows of the input from one row of the result to the next.
        pad: rows of padding before the first one.
        taps: rows from the first to the last that one row needs, both included.
        size: rows of the input.
    """

    stride: int
    pad: int
    taps: int
    size: int

    def of(self, rows: Rows) -> Rows:
        """The rows that some rows of the result need."""
        start, last = (y * self.stride - self.pad for y in (rows.start, rows.stop - 1))
        return Rows(max(start, 0), min(last + self.taps, self.size))


def reach(node: Node, index: int) -> Reach | None:
    """How the rows of the result follow those of an input; None: all need the whole input."""
    value = node.inputs[index]
    if value is None or value.is_constant:
        return None
    if not isinstance(node.op, WINDOWED):
        rows = _operand(value, node.output) == "rows"
        return Reach(1, 0, 1, value.type.shape[ROW]) if rows else None
    window = node.op.window
    taps = (_kernel_height(node) - 1) * window.dilations[0] + 1
    return Reach(window.strides[0], window.padding[0], taps, value.type.shape[ROW])


def rows_read(node: Node, index: int, rows: Rows) -> Rows | None:
    """Rows of an input that some rows of the result need; None: the whole input."""
    found = reach(node, index)
    return None if found is None else found.of(rows)


def restrict(node: Node, rows: Rows) -> Op:
    """The operator that computes some rows of the result from the rows that they need."""
    if not isinstance(node.op, WINDOWED):
        return node.op
    window, found = node.op.window, reach(node, 0)
    assert found is not None
    top = max(0, found.pad - rows.start * found.stride)
    whole = (rows.height - 1) * found.stride + found.taps
    padding = top, window.padding[1], whole - found.of(rows).height - top, window.padding[3]
    return _with_window(node.op, replace(window, padding=padding))


def _with_window(op: Windowed, window: Window) -> Op:
    return replace(op, window=window)


def _is_image(value: Value) -> bool:
    return len(value.type.shape) == 4 and value.type.shape[0] == 1 and value.type.shape[ROW] > 1


def _window_refusal(node: Node) -> str:
    x = node.input(0)
    if x.is_constant or len(x.type.shape) != 4 or x.type.shape[0] != 1:
        return "its input is no single image"
    if not all(v is None or v.is_constant for v in node.inputs[1:]):
        return "its weights are computed"
    if isinstance(node.op, AvgPool2D | Conv2D | MaxPool2D) and node.op.layout != "NHWC":
        return "its layout has rows apart"
    for y in range(node.output.type.shape[ROW]):
        read = rows_read(node, 0, Rows(y, y + 1))
        if read is None or read.height < 1:
            return "some of its rows read padding alone"
    return ""


def _kernel_height(node: Node) -> int:
    op = node.op
    if isinstance(op, AvgPool2D | MaxPool2D | QAvgPool2D | QMaxPool2D | QMeanPool2D):
        return op.kernel[0]
    return node.input(1).type.shape[1]


def _operand(value: Value, result: Value) -> str:
    """``rows``: follows the rows of the result; ``whole``: has none of its own."""
    shape: Sequence[int] = value.type.shape
    if len(shape) < 3 or shape[-3] == 1:
        return "whole"
    if value.is_constant or len(shape) != 4 or shape[0] != 1:
        return "other"
    return "rows" if shape[ROW] == result.type.shape[ROW] else "other"
