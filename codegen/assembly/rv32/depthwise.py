"""Depthwise 3x3 convolutions: bands of two output rows, rows of stride 2."""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from codegen.assembly.cached import cached
from codegen.assembly.cost import Cost
from codegen.assembly.isa import RV32
from codegen.assembly.prepared import prepared
from codegen.assembly.refusal import OtherKind
from codegen.assembly.rv32.depthwise_band import FIELD_BITS, WORDS, Band, band, band_count
from codegen.assembly.rv32.depthwise_strided import StridedRow, strided_count, strided_row
from codegen.assembly.rv32.layer import Int, accumulators
from codegen.assembly.rv32.registers import SAVED
from codegen.assembly.rv32.scale import NO_FORM, Scaling, find_scaling, without_scaling
from codegen.c.operators.integer import attributes, is_depthwise
from codegen.c.operators.overlap import Declared, Walk, by_walk
from codegen.c.step import StepWriter
from edgekit.ir import DType, Node
from edgekit.ir.ops import QConv2D, Requant, Window

KERNEL = (3, 3)
SAME = Window((1, 1), (1, 1, 1, 1))
FARTHEST = 2047
"""Largest offset of a load."""


@dataclass(frozen=True)
class Call:
    """One call of a function.

    Attributes:
        source, target: bytes from the first of the input and of the output.
        shape: what the function is written for.
    """

    source: int
    target: int
    shape: Band | StridedRow


def depthwise_lacking(node: Node) -> NDArray[np.bool_] | None:
    """Channels whose scale has no proven form."""
    return None if _refuse_shape(node) else without_scaling(*_accumulators(node), fields="signed")


def _refuse_shape(node: Node) -> str:
    op = node.op
    assert isinstance(op, QConv2D)
    if {node.input(0).type.dtype, node.output.type.dtype} != {DType.INT8} or op.w_zero:
        return "activations are not int8, or weights have a zero point"
    if not is_depthwise(node) or node.output.type.shape[3] != op.groups:
        return OtherKind("not one filter for each channel")
    if node.input(1).type.shape[1:3] != KERNEL:
        return OtherKind("not 3x3")
    if op.window != SAME and not _is_halving(node):
        return "neither stride 1 with one pixel of padding nor stride 2 with at most one"
    return ""


def _is_halving(node: Node) -> bool:
    """Stride 2, every window's middle inside the input."""
    op = node.op
    assert isinstance(op, QConv2D)
    top, left = op.window.padding[:2]
    if op.window.strides != (2, 2) or op.window.dilations != (1, 1) or max(top, left) > 1:
        return False
    (_, height, width, _), (_, rows, columns, _) = node.input(0).type.shape, node.output.type.shape
    return 2 * rows - 1 - top < height and 2 * columns - 1 - left < width


@cached
def depthwise_scaling(node: Node) -> Scaling | str:
    """The constants of every channel, or why rows cannot compute a convolution."""
    return _refuse_shape(node) or find_scaling(*_accumulators(node), fields="signed") or NO_FORM


def _accumulators(node: Node) -> tuple[Requant, Int, Int, Int, int]:
    return *accumulators(node, 1)[:4], FIELD_BITS


def calls_of(node: Node) -> list[Call]:
    """Every call, from the first output row to the last."""
    op = node.op
    assert isinstance(op, QConv2D)
    clamp = op.requant.low, op.requant.high - op.requant.low
    _, height, width, _ = node.input(0).type.shape
    _, rows, columns, channels = node.output.type.shape
    pitch, known, found = _pitch(node), _known_pitch(node), []
    if op.window == SAME:
        for row in range(0, rows, _rows_of(node)):
            outputs = min(_rows_of(node), rows - row)
            shape = Band(known, outputs, row == 0, row + outputs == rows, *clamp)
            found.append(Call(row * pitch, row * pitch, shape))
        return found
    top, left = op.window.padding[:2]
    for row in range(rows):
        middle = 2 * row + 1 - top
        right = 2 * columns - left >= width
        edges = middle == 0, middle + 1 == height, left == 1, right
        target = row * columns * channels
        found.append(Call(middle * pitch, target, StridedRow(known, *edges, *clamp)))
    return found


def emit_depthwise(w: StepWriter, scaling: Scaling) -> None:
    """Calls of one function in a row are a loop."""
    op, node = attributes(w, QConv2D), w.node
    layer = w.declare(
        "ek_depthwise3", "layer",
        weights=w.weights(node.input(1).array, "weights"),
        table=w.table(scaling.table, "scaling"),
        channels=op.groups, zero=op.x_zero, top=op.requant.high - op.requant.low,
        low=op.requant.low, width=node.output.type.shape[2], pitch=_pitch(node),
    )  # fmt: skip
    calls = calls_of(node)[:: -1 if w.step.backward else 1]
    with w.each_sample(node.input(0), node.output) as (x, y):
        for _, group in itertools.groupby(calls, key=lambda c: c.shape):
            _emit_calls(w, layer, x, y, list(group))


def _emit_calls(w: StepWriter, layer: str, x: str, y: str, calls: Sequence[Call]) -> None:
    """Calls of one function, whose places lie at equal distances."""
    first, shape = calls[0], calls[0].shape
    if isinstance(shape, Band):
        code, kernel = band(shape), "ek_depthwise3_band_s8"
    else:
        code, kernel = strided_row(shape), "ek_depthwise3_strided_s8"
    if len(calls) == 1:
        places = f"{x} + {first.source}", f"{y} + {first.target}"
        w.assemble(RV32, code, kernel, layer, *places, shape.edges)
        return
    steps = calls[1].source - first.source, calls[1].target - first.target
    with w.loop("i", len(calls)):
        places = f"{x} + {first.source} + i * {steps[0]}", f"{y} + {first.target} + i * {steps[1]}"
        w.assemble(RV32, code, kernel, layer, *places, shape.edges)


def depthwise_overlap(node: Node) -> Declared:
    """The rows of a call are written channel by channel, while their windows are still read."""
    op = node.op
    assert isinstance(op, QConv2D)
    return by_walk(node, Walk(KERNEL, op.window, pixels=_rows_of(node) * node.output.type.shape[2]))


def depthwise_cost(node: Node) -> Cost:
    """Instructions of all calls."""
    batch, _, width, channels = node.output.type.shape
    total = Cost()
    for call in calls_of(node):
        total += 12
        if isinstance(call.shape, Band):
            total += band_count(call.shape, width, channels)
        else:
            total += strided_count(call.shape, width, channels)
    return batch * total


def _pitch(node: Node) -> int:
    """Bytes of an input row."""
    _, _, width, channels = node.input(0).type.shape
    return width * channels


def _known_pitch(node: Node) -> int:
    """The same where loads reach every row that a call reads, else 0."""
    op = node.op
    assert isinstance(op, QConv2D)
    farthest = (2 if op.window == SAME else 1) * _pitch(node)
    return _pitch(node) if farthest <= FARTHEST else 0


def _rows_of(node: Node) -> int:
    """Output rows of a call."""
    op = node.op
    assert isinstance(op, QConv2D)
    return 2 if op.window == SAME and _known_pitch(node) else 1


DEPTHWISE = prepared(
    "depthwise3x3",
    depthwise_scaling,
    emit_depthwise,
    lambda node, _: depthwise_cost(node),
    overlap=lambda node, _: depthwise_overlap(node),
    stack=lambda node, _: 4 * (len(WORDS) + len(SAVED) + 2),
)
