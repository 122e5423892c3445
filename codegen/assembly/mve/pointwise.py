"""1x1 convolutions straight from the input: tiles of four pixels, see `tiles`.

Pixels left over form a last tile with three that are computed before: its input is copied first, so
that the output may lie over the input.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from codegen.assembly.isa import MVE
from codegen.assembly.mve.copies import copy, copy_instructions
from codegen.assembly.mve.layer import Layer, interleave, layer_of, pairs_of
from codegen.assembly.mve.tiles import Shape, tiles_block
from codegen.c.operators.overlap import Declared, Walk, by_walk
from codegen.c.step import StepWriter, Variant
from edgekit.ir import Node
from edgekit.ir.ops import QConv2D

TILE = 4
"""Pixels of a tile."""
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
    def instructions(self) -> int:
        """Executed by one run."""
        calls = self.lines * (2 if self.rest else 1)
        tiles = self.lines * -(-self.pixels // TILE)
        last = self.lines * copy_instructions(TILE * self.shape.run_bytes) if self.rest else 0
        return self.shape.instructions(calls, tiles, self.layer.filters) + last


def pointwise_of(node: Node) -> Pointwise | str:
    """How a node is computed, or why it is not."""
    op = node.op
    assert isinstance(op, QConv2D)
    weights, x, y = node.input(1).type.shape, node.input(0).type.shape, node.output.type.shape
    if weights[1:3] != (1, 1) or any(op.window.padding) or op.groups > 1:
        return "not a 1x1 convolution without padding and groups"
    layer = layer_of(node)
    if isinstance(layer, str):
        return layer
    stride_h, stride_w = op.window.strides
    odd = layer.filters % 2 == 1
    shape = Shape(1, x[3], x[3] * stride_w, odd, layer.scaling.form)
    if not shape.fits or layer.filters > MAX_FILTERS:
        return "its channels do not suit vectors"
    found = Pointwise(layer, shape, y[1], y[2], x[2] * x[3] * stride_h)
    if (stride_h, stride_w) == (1, 1):
        found = Pointwise(layer, shape, 1, y[1] * y[2], 0)
    elif found.rest:
        return "rows of a strided convolution that end inside a tile"
    return found if found.pixels >= TILE else "fewer pixels than a tile has"


def emit_pointwise(w: StepWriter) -> None:
    found = pointwise_of(w.node)
    assert isinstance(found, Pointwise)
    layer, shape, backward = found.layer, found.shape, w.step.backward
    wide_x, wide_y = TILE * shape.pixel_step, TILE * layer.filters
    tiles = declare_tiles(
        w, layer, shape, -wide_x if backward else wide_x, -wide_y if backward else wide_y
    )
    block, count = tiles_block(shape), found.pixels // TILE
    start = count - 1 if backward else 0
    with w.each_sample(w.node.input(0), w.node.output) as (x, y):
        if found.lines > 1:
            with w.loop("i", found.lines):
                row = f"({found.lines - 1} - i)" if backward else "i"
                from_ = f"{x} + {row} * {found.line_bytes} + {start * wide_x}"
                to = f"{y} + {row} * {found.pixels * layer.filters} + {start * wide_y}"
                w.assemble(MVE, block, "ek_tiles_s8", tiles, from_, to, count)
            return
        last = found.pixels - TILE
        if found.rest:
            copy(w, f"{x} + {last * shape.run_bytes}", w.scratch(), TILE * shape.run_bytes)
        from_, to = f"{x} + {start * wide_x}", f"{y} + {start * wide_y}"
        w.assemble(MVE, block, "ek_tiles_s8", tiles, from_, to, count)
        if found.rest:
            to = f"{y} + {last * layer.filters}"
            w.assemble(MVE, block, "ek_tiles_s8", tiles, w.scratch(), to, 1)


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


def _overlap(node: Node) -> Declared:
    op = node.op
    assert isinstance(op, QConv2D)
    return by_walk(node, Walk((1, 1), op.window, pixels=TILE))


def _refuse(node: Node) -> str:
    found = pointwise_of(node)
    return found if isinstance(found, str) else ""


def _scratch(node: Node) -> int:
    found = pointwise_of(node)
    assert isinstance(found, Pointwise)
    return TILE * found.shape.run_bytes if found.rest else 0


def _instructions(node: Node) -> int:
    found = pointwise_of(node)
    assert isinstance(found, Pointwise)
    return found.instructions


POINTWISE = Variant(
    emit_pointwise,
    scratch=_scratch,
    overlap=_overlap,
    name="pointwise",
    refuse=_refuse,
    instructions=_instructions,
)
