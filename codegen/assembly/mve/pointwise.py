"""1x1 convolutions, and dense layers of many rows, straight from the input by `tiles`.

Pixels left over form a last tile with three that are computed before: its input is copied first, so
that the output may lie over the input.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from codegen.assembly.cost import Cost
from codegen.assembly.mve.copies import copy, copy_cost
from codegen.assembly.mve.layer import Layer, interleave, layer_of, pairs_of
from codegen.assembly.mve.parts import TILE
from codegen.assembly.mve.tiles import Shape
from codegen.assembly.mve.wide import shape_of
from codegen.assembly.prepared import prepared
from codegen.assembly.refusal import OtherKind
from codegen.c.operators.overlap import Declared, Walk, by_walk
from codegen.c.step import StepWriter
from edgekit.ir import Node
from edgekit.ir.ops import QConv2D, QDense
from edgekit.schedule.overlap import ROWS, Overlap

MAX_FILTERS = 8192
"""Results of a tile are placed by 16-bit offsets."""


@dataclass(frozen=True, eq=False)
class Pointwise:
    """A 1x1 convolution as tiles.

    Attributes:
        layer: its filters.
        shape: of the function.
        lines: calls, each for ``pixels`` neighbouring pixels.
        pixels: at least one tile.
        line_bytes: bytes from one line's input to the next one's.
    """

    layer: Layer
    shape: Shape
    lines: int
    pixels: int
    line_bytes: int

    @property
    def rest(self) -> int:
        """Pixels after the last whole tile."""
        return self.pixels % TILE

    @property
    def cost(self) -> Cost:
        """Instructions of one run."""
        calls = self.lines * (2 if self.rest else 1)
        tiles = self.lines * -(-self.pixels // TILE)
        last = self.lines * copy_cost(TILE * self.shape.run_bytes) if self.rest else 0
        return self.shape.cost(calls, tiles, self.layer.filters) + last


def pointwise_of(node: Node) -> Pointwise | str:
    """How a node is computed, or why it is not."""
    op = node.op
    assert isinstance(op, QConv2D | QDense)
    if isinstance(op, QConv2D) and not is_pointwise(node, op):
        return OtherKind("not a 1x1 convolution without padding and groups")
    layer = layer_of(node)
    if isinstance(layer, str):
        return layer
    if layer.filters > MAX_FILTERS:
        return "too many filters"
    x, y = node.input(0).type.shape, node.output.type.shape
    stride_h, stride_w = op.window.strides if isinstance(op, QConv2D) else (1, 1)
    shape = shape_of(1, x[-1], x[-1] * stride_w, layer.filters, layer.scaling.form)
    if shape is None:
        return "its channels do not suit vectors"
    found = Pointwise(layer, shape, 1, math.prod(y[1:3] if len(y) == 4 else y[:-1]), 0)
    if (stride_h, stride_w) != (1, 1):
        found = Pointwise(layer, shape, y[1], y[2], x[2] * x[3] * stride_h)
        if found.rest:
            return "rows of a strided convolution that end inside a tile"
    return found if found.pixels >= TILE else "fewer pixels than a tile has"


def is_pointwise(node: Node, op: QConv2D) -> bool:
    """True for 1x1 windows without padding and groups."""
    single = node.input(1).type.shape[1:3] == (1, 1)
    return single and not any(op.window.padding) and op.groups == 1


def emit_pointwise(w: StepWriter, found: Pointwise) -> None:
    layer, shape, backward = found.layer, found.shape, w.step.backward
    wide_x, wide_y = TILE * shape.pixel_step, TILE * layer.filters
    tiles = declare_tiles(
        w, layer, shape, -wide_x if backward else wide_x, -wide_y if backward else wide_y
    )
    x, y = w.node.input(0), w.node.output
    if isinstance(w.node.op, QDense):
        _multiply(w, found, tiles, w.read(x), w.write(y))
        return
    with w.each_sample(x, y) as (from_, to):
        if found.lines == 1:
            _multiply(w, found, tiles, from_, to)
            return
        with w.loop("i", found.lines):
            row = f"({found.lines - 1} - i)" if backward else "i"
            to = f"{to} + {row} * {found.pixels * layer.filters}"
            _multiply(w, found, tiles, f"{from_} + {row} * {found.line_bytes}", to)


def _multiply(w: StepWriter, found: Pointwise, tiles: str, x: str, y: str) -> None:
    """The calls for one line."""
    shape, filters = found.shape, found.layer.filters
    block, count, last = shape.block(), found.pixels // TILE, found.pixels - TILE
    if found.rest:
        copy(w, f"{x} + {last * shape.run_bytes}", w.scratch(), TILE * shape.run_bytes)
    start = TILE * (count - 1) if w.step.backward else 0
    from_, to = f"{x} + {start * shape.pixel_step}", f"{y} + {start * filters}"
    w.assemble(shape.form.isa, block, "ek_tiles_s8", tiles, from_, to, count)
    if found.rest:
        to = f"{y} + {last * filters}"
        w.assemble(shape.form.isa, block, "ek_tiles_s8", tiles, w.scratch(), to, 1)


def declare_tiles(
    w: StepWriter, layer: Layer, shape: Shape, x_step: int, y_step: int, row_step: int = 0
) -> str:
    """Declare the step's ``ek_tiles`` and return a pointer to it.

    Args:
        w: the step.
        layer: its filters, their weights already as (filters, runs, bytes of one).
        shape: of the function.
        x_step, y_step: bytes from tile to tile.
        row_step: bytes from run to run.
    """
    pairs = pairs_of(layer.filters)
    runs = layer.weights.reshape(layer.filters, shape.runs, shape.run_bytes)
    table = layer.scaling.table(layer.bias)[np.array(pairs)]
    second = 1 if layer.filters > 1 else 0
    places = [p * layer.filters + f for p in range(TILE) for f in (0, second)]
    return w.declare(
        "ek_tiles",
        "tiles",
        weights=w.weights(interleave(runs, pairs), "weights"),
        table=w.table(table.ravel(), "requant"),
        filters=layer.filters,
        x_step=x_step,
        y_step=y_step,
        row_step=row_step,
        place="{" + ", ".join(map(str, places)) + "}",
        scaling=layer.scaling_fields,
        rows=shape.runs,
        row_bytes=shape.run_bytes,
        pixel_step=shape.pixel_step,
    )


def _overlap(node: Node, found: Pointwise) -> Declared:
    op = node.op
    if isinstance(op, QDense):
        return _rows_overlap(node)
    assert isinstance(op, QConv2D)
    return by_walk(node, Walk((1, 1), op.window, pixels=TILE))


def _rows_overlap(node: Node) -> Declared:
    """A tile of rows is read until its last output is written."""
    rows, depth = node.input(0).type.shape
    starts = np.arange(0, rows, TILE)
    ends = np.minimum(starts + TILE, rows)
    return [Overlap(ROWS, int((starts * depth - ends * node.output.type.shape[1]).min()))]


def _cost(node: Node, found: Pointwise) -> Cost:
    y = node.output.type.shape  # rows of a dense layer are pixels of one sample
    return (y[0] if len(y) == 4 else 1) * found.cost


POINTWISE = prepared(
    "pointwise",
    pointwise_of,
    emit_pointwise,
    _cost,
    scratch=lambda node, found: TILE * found.shape.run_bytes if found.rest else 0,
    overlap=_overlap,
)
