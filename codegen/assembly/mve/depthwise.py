"""Depthwise convolutions with windows of up to 4x4 taps: see `planes`."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from codegen.assembly.cost import Cost
from codegen.assembly.mve.layer import Layer, layer_of
from codegen.assembly.mve.plane_tiles import LANES, LONG, POST_INDEX, SHORT, Shape
from codegen.assembly.mve.planes import planes_block, planes_counts
from codegen.assembly.prepared import prepared
from codegen.assembly.refusal import OtherKind
from codegen.c.operators.integer import is_depthwise, repeats_of
from codegen.c.operators.overlap import Declared, Walk, by_walk
from codegen.c.step import StepWriter
from edgekit.ir import Node
from edgekit.ir.ops import QConv2D, Window

COLUMN = 4
"""Rows of a plane's column."""
PLACES = 1 << 16
"""Scatter stores have 16-bit offsets."""


@dataclass(frozen=True, eq=False)
class Lines:
    """Output rows that one call computes, ``shape.lines`` at a time.

    Attributes:
        shape: of the function.
        first, count: the first output row, and how many times.
        tiles, rest: see ``ek_planes``.
    """

    shape: Shape
    first: int
    count: int
    tiles: int
    rest: int


@dataclass(frozen=True, eq=False)
class Depthwise:
    """A depthwise convolution.

    Attributes:
        layer: its filters.
        window: geometry.
        calls: one or two kinds of rows.
        plane: bytes of a channel's plane.
    """

    layer: Layer
    window: Window
    calls: tuple[Lines, ...]
    plane: int

    @property
    def lines(self) -> int:
        """Output rows of most calls."""
        return self.calls[0].shape.lines

    def cost(self, width: int) -> Cost:
        """Instructions of one run.

        Args:
            width: columns of the input.
        """
        total, groups = Cost(borders=self.plane * len(self.calls)), self.layer.filters // LANES
        for each in self.calls:
            c = planes_counts(each.shape)
            group = c.group + width * c.column + LANES * (c.channel + each.tiles * c.tile)
            total += c.call + each.count * (c.row + groups * group)
        return total


def depthwise_of(node: Node) -> Depthwise | str:
    """How a node is computed, or why it is not."""
    op = node.op
    assert isinstance(op, QConv2D)
    _, kh, kw, _ = node.input(1).type.shape
    if not is_depthwise(node) or node.output.type.shape[3] % LANES:
        return OtherKind("not depthwise with a multiple of 8 filters")
    if repeats_of(node) & (repeats_of(node) - 1):
        return "filters of a channel that are no power of 2"
    if max(kh, kw) > COLUMN or max(op.window.dilations) > 1:
        return "a window of more than 4x4 taps"
    layer = layer_of(node)
    if isinstance(layer, str):
        return layer
    return _planned(node, layer, op.window)


def _planned(node: Node, layer: Layer, window: Window) -> Depthwise | str:
    kh = node.input(1).type.shape[1]
    _, height, width, channels = node.output.type.shape
    step = COLUMN * window.strides[1]
    repeat, form = repeats_of(node), layer.scaling.form
    narrow = channels if channels <= POST_INDEX and repeat == 1 else 0

    def lines(count: int, first: int, times: int) -> Lines:
        tiles, rest = divmod(width * count, LANES)
        kind = rest if rest <= SHORT else LONG
        shape = Shape(count, kh + count - 1, step, narrow, kind, form, repeat)
        return Lines(shape, first, times, tiles, rest)

    if window.strides[0] == 1 and kh < COLUMN and height > 1:
        calls = [lines(2, 0, height // 2)]
        calls += [lines(1, height - 1, 1)] if height % 2 else []
    else:
        calls = [lines(1, 0, height)]
    columns = max(_pixels(c) - 1 for c in calls) * window.strides[1] + COLUMN
    columns = max(columns, window.padding[1] + node.input(0).type.shape[2])
    plane = -(-columns // 2) * 2 * COLUMN
    if max((LANES - 1) * plane, (width + LANES) * channels) >= PLACES:
        return "too wide for 16-bit offsets"
    return Depthwise(layer, window, tuple(calls), plane)


def _pixels(lines: Lines) -> int:
    """Output pixels of one row for which a plane is read."""
    rest = LANES if lines.shape.rest == LONG else lines.rest
    return (lines.tiles * LANES + rest) // lines.shape.lines


def packed(weights: NDArray[np.int8]) -> NDArray[np.int8]:
    """Weights (channels, kh, kw, 1) as planes want them, see ``ek_planes_s8``."""
    count, kh, kw, _ = weights.shape
    columns = np.zeros((count, COLUMN, COLUMN), np.int8)
    columns[:, :kw, :kh] = weights[..., 0].transpose(0, 2, 1)
    return np.concatenate([np.zeros(1, np.int8), columns.ravel()])


def emit_depthwise(w: StepWriter, found: Depthwise) -> None:
    weights = packed(found.layer.weights), found.layer.scaling.table(found.layer.bias).ravel()
    arrays = w.weights(weights[0], "weights"), w.table(weights[1], "requant")
    calls = found.calls[:: -1 if w.step.backward else 1]
    declared = [_declare(w, found, each, arrays, f"planes{i}") for i, each in enumerate(calls)]
    row_bytes = w.node.output.type.shape[2] * found.layer.filters
    with w.each_sample(w.node.input(0), w.node.output) as (x, y):
        for each, pointer in zip(calls, declared, strict=True):
            to = f"{y} + {_start(each, w.step.backward) * row_bytes}"
            block = planes_block(each.shape)
            w.assemble(each.shape.form.isa, block, "ek_planes_s8", pointer, x, to, w.scratch())


def _start(lines: Lines, backward: bool) -> int:
    """The output row that is computed first."""
    return lines.first + ((lines.count - 1) * lines.shape.lines if backward else 0)


def _declare(
    w: StepWriter, found: Depthwise, lines: Lines, arrays: tuple[str, str], variable: str
) -> str:
    op = w.node.op
    assert isinstance(op, QConv2D)
    _, height, in_width, in_channels = w.node.input(0).type.shape
    _, _, width, channels = w.node.output.type.shape
    shape, backward = lines.shape, w.step.backward
    per_tile = LANES // shape.lines
    turn = -shape.lines if backward else shape.lines
    stride = found.window.strides[0]
    places = [
        n // shape.lines * channels + n % shape.lines * width * channels for n in range(LANES)
    ]
    return w.declare(
        "ek_planes",
        variable,
        weights=arrays[0],
        table=arrays[1],
        channels=channels,
        count=lines.count,
        row=_start(lines, backward) * stride - found.window.padding[0],
        row_step=turn * stride,
        y_step=turn * width * channels,
        height=height,
        row_bytes=in_width * in_channels,
        width=in_width,
        skip=COLUMN * found.window.padding[1],
        plane=found.plane,
        tiles=lines.tiles,
        rest=lines.rest,
        tile_step=per_tile * channels,
        x_next=found.plane - _pixels(lines) * shape.pixel_step,
        y_next=1 - lines.tiles * per_tile * channels,
        fill=op.x_zero,
        scaling=found.layer.scaling_fields,
        spread=_braces([c * found.plane for c in range(LANES)]),
        place=_braces(places),
        tail=_braces(_repeated(places[: lines.rest], shape.lines)),
        lines=shape.lines,
        rows=shape.rows,
        pixel_step=shape.pixel_step,
        repeat=shape.repeat,
    )


def _repeated(places: list[int], lines: int) -> list[int]:
    """A vector of places, the last pixel's repeated."""
    return [*places, *places[-lines:] * SHORT, *[0] * SHORT][:SHORT]


def _braces(values: list[int]) -> str:
    return "{" + ", ".join(map(str, values)) + "}"


def _overlap(node: Node, found: Depthwise) -> Declared:
    kernel = node.input(1).type.shape[1], node.input(1).type.shape[2]
    return by_walk(node, Walk(kernel, found.window, found.lines * node.output.type.shape[2]))


DEPTHWISE = prepared(
    "planes",
    depthwise_of,
    emit_depthwise,
    lambda node, found: node.output.type.shape[0] * found.cost(node.input(0).type.shape[2]),
    scratch=lambda node, found: LANES * found.plane,
    overlap=_overlap,
)
