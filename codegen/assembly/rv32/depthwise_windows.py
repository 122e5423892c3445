"""Depthwise convolutions with windows of any size, stride and dilation, and any number of filters
for each channel."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from codegen.assembly.cached import cached
from codegen.assembly.cost import Cost
from codegen.assembly.isa import RV32
from codegen.assembly.prepared import prepared
from codegen.assembly.refusal import OtherKind
from codegen.assembly.rv32.depthwise_piece import (
    WORDS,
    Piece,
    most_outputs,
    piece,
    piece_count,
)
from codegen.assembly.rv32.layer import accumulators
from codegen.assembly.rv32.registers import SAVED
from codegen.assembly.rv32.scale import NO_FORM, Scaling, find_scaling, without_scaling
from codegen.assembly.turned import turned, turned_step
from codegen.c.operators.geometry import declare_window
from codegen.c.operators.integer import attributes, is_depthwise
from codegen.c.operators.overlap import Declared, Walk, by_walk
from codegen.c.step import StepWriter
from edgekit.ir import DType, Node
from edgekit.ir.ops import QConv2D, Window

LONGEST = 9
"""Taps of a row; longer rows of a window are divided."""
FARTHEST = 511
"""Last pointer that a load reaches."""
POINTER_BYTES = 8
"""Of a host; a core uses the half of them."""
PER_POINTER, PER_PIECE = 5.8, 14
"""Instructions of the driver in C, counted."""


@dataclass(frozen=True)
class Geometry:
    """A layer as the function sees it.

    Attributes:
        kernel, window: its window.
        outputs: size of the output.
    """

    kernel: tuple[int, int]
    window: Window
    outputs: tuple[int, int]

    @property
    def parts(self) -> int:
        """Of each row of the kernel."""
        return -(-self.kernel[1] // LONGEST)

    @property
    def width(self) -> int:
        """Taps of a part."""
        return -(-self.kernel[1] // self.parts)

    @property
    def rows(self) -> int:
        """Of a window, with the parts of long ones."""
        return self.kernel[0] * self.parts


@dataclass(frozen=True, eq=False)
class Layer:
    """A layer as the function computes it.

    Attributes:
        geometry: its windows and outputs.
        shape: the pieces of its rows.
        scaling, bits: the constants of every channel, and the bits of the field of a sum.
    """

    geometry: Geometry
    shape: Piece
    scaling: Scaling
    bits: int


def geometry_of(node: Node) -> Geometry:
    """The window of a layer and its sizes; columns of one pixel lie down as rows."""
    node = turned(node)
    op, outputs = node.op, node.output.type.shape
    assert isinstance(op, QConv2D)
    _, kernel_h, kernel_w, _ = node.input(1).type.shape
    return Geometry((kernel_h, kernel_w), op.window, (outputs[1], outputs[2]))


def windows_lacking(node: Node) -> NDArray[np.bool_] | None:
    """Channels whose scale has no proven form."""
    return None if _refuse_shape(node) else without_scaling(*accumulators(node, 1))


@cached
def layer_of(node: Node) -> Layer | str:
    """The piece that makes a row cheapest, and constants; or why there are none."""
    reason = _refuse_shape(node)
    if reason:
        return reason
    arguments = accumulators(node, 1)
    scaling = find_scaling(*arguments)
    if scaling is None:
        return NO_FORM
    shape = min(_shapes(node, scaling.is_signed), key=lambda s: _row_cost(node, s).total)
    return Layer(geometry_of(node), shape, scaling, arguments[-1])


def _refuse_shape(node: Node) -> str:
    op = node.op
    assert isinstance(op, QConv2D)
    if {node.input(0).type.dtype, node.output.type.dtype} != {DType.INT8} or op.w_zero:
        return "activations are not int8, or weights have a zero point"
    if not is_depthwise(node):
        return OtherKind("not one channel for each filter")
    return "" if _shapes(node) else "taps too far apart"


def _shapes(node: Node, is_signed: bool = False) -> list[Piece]:
    """Pieces that registers and loads allow, up to a whole row."""
    op, geometry = node.op, geometry_of(node)
    assert isinstance(op, QConv2D)
    low, high = op.requant.low, op.requant.high
    several = node.output.type.shape[3] > op.groups
    steps = geometry.window.strides[1], geometry.window.dilations[1]
    most = min(most_outputs(geometry.width), geometry.outputs[1])
    found = [
        Piece(outputs, geometry.width, *steps, several, is_signed, low, high - low)
        for outputs in range(1, most + 1)
    ]
    return [shape for shape in found if shape.span <= FARTHEST]


def windows_scratch(node: Node, layer: Layer) -> int:
    """Bytes of a piece's pointers, and of what lies before the first where pointers may lie."""
    return POINTER_BYTES * (layer.geometry.rows * layer.shape.span + 1)


def emit_windows(w: StepWriter, found: Layer) -> None:
    """All pieces in one call."""
    op, node, geometry, shape = attributes(w, QConv2D), w.node, found.geometry, found.shape
    channels = node.output.type.shape[3]
    window = declare_window(turned_step(w), geometry.kernel, geometry.window, op.groups)
    rows = node.input(1).array.reshape(channels, *geometry.kernel)
    more = geometry.parts * geometry.width - geometry.kernel[1]
    layer = w.declare(
        "ek_depthwise_piece", "layer",
        weights=w.weights(np.pad(rows, ((0, 0), (0, 0), (0, more))), "weights"),
        table=w.table(found.scaling.table, "scaling"), channels=channels,
        filters=channels // op.groups, pointers=geometry.rows * shape.span,
        start=1 << (found.bits - 1), left=32 - found.bits, top=shape.top,
        zero=2 * (op.requant.zero_point - shape.low) + 1, low=shape.low, rows=geometry.rows,
        parts=geometry.parts, width=shape.width, span=shape.span, outputs=shape.outputs,
        stride=shape.stride, dilation=shape.dilation,
    )  # fmt: skip
    pad = "NULL"
    if any(op.window.padding) or more:
        pad = w.filler(np.full(op.groups, op.x_zero, np.int8), "pad")
    kernel = f"ek_depthwise_piece{'_signed' * shape.is_signed}_s8"
    function = w.function(RV32, piece(shape), kernel)
    with w.each_sample(node.input(0), node.output) as (x, y):
        w.call("ek_depthwise_pieces_s8", window, layer, function, pad, x, w.scratch(), y)


def windows_overlap(node: Node, layer: Layer) -> Declared:
    """A piece is written channel by channel, while its windows are still read. A last piece that
    begins inside the one before counts as a part of it."""
    geometry, outputs = layer.geometry, layer.shape.outputs
    starts = tuple(range(0, geometry.outputs[1] - outputs + 1, outputs))
    return by_walk(turned(node), Walk(geometry.kernel, geometry.window, columns=starts))


def _row_cost(node: Node, shape: Piece) -> Cost:
    """Instructions of one row of outputs."""
    geometry = geometry_of(node)
    filling = PER_POINTER * geometry.rows * shape.span
    each = piece_count(shape, geometry.rows, node.output.type.shape[3])
    each += Cost(borders=filling, control=PER_PIECE)
    return -(-geometry.outputs[1] // shape.outputs) * each


def windows_cost(node: Node, layer: Layer) -> Cost:
    """Instructions of all rows."""
    rows = node.output.type.shape[0] * layer.geometry.outputs[0]
    return rows * _row_cost(node, layer.shape)


WINDOWS = prepared(
    "depthwise",
    layer_of,
    emit_windows,
    windows_cost,
    scratch=windows_scratch,
    overlap=windows_overlap,
    stack=lambda node, layer: 4 * (len(WORDS) + len(SAVED) + 2),
)
