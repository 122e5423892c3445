"""Convolutions with a window: padded rows in scratch, then tiles of four pixels (see `tiles`).

Where the rows of a window suit vectors the tiles read them as they are; otherwise (few input
channels) the windows are made dense first, for as many output rows as fill whole tiles.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from codegen.assembly.cost import Cost
from codegen.assembly.isa import MVE
from codegen.assembly.mve.layer import FULL, HALF, Layer, layer_of
from codegen.assembly.mve.parts import SCRATCH, TILE, Part, part_of, parts_of
from codegen.assembly.mve.patches import SLACK, Windows, declare_rows, rows_block
from codegen.assembly.mve.pointwise import MAX_FILTERS, declare_tiles
from codegen.assembly.mve.tiles import Shape
from codegen.assembly.mve.wide import shape_of
from codegen.assembly.prepared import prepared
from codegen.assembly.refusal import OtherKind
from codegen.c.operators.overlap import Declared, Walk, by_walk
from codegen.c.step import StepWriter
from edgekit.ir import Node
from edgekit.ir.ops import QConv2D, Window


@dataclass(frozen=True, eq=False)
class Spatial:
    """A convolution as rows and tiles.

    Attributes:
        layer: its filters.
        window: geometry.
        shape: of the tiles' function.
        windows: how windows are made dense; None where the tiles read the rows themselves.
        parts: of an output row.
        size: output height and width.
        run_step: bytes from one run of a window to the next, in padded rows.
        rows: output rows that are computed together, 1 where there are several parts.
    """

    layer: Layer
    window: Window
    shape: Shape
    windows: Windows | None
    parts: tuple[Part, ...]
    size: tuple[int, int]
    run_step: int
    rows: int = 1

    @property
    def dense_bytes(self) -> int:
        """Scratch before the padded rows."""
        if self.windows is None:
            return 0
        pixels = self.rows * max(p.width for p in self.parts)
        return pixels * self.windows.window_bytes + SLACK

    def declare_windows(self, w: StepWriter, part: Part, variable: str) -> str:
        """Declare a part's ``ek_windows``; empty where there is none."""
        if self.windows is None:
            return ""
        return self.windows.declare(w, self.run_step, part.width, variable)

    @property
    def scratch(self) -> int:
        """Bytes in all."""
        slack = SLACK if self.windows else 0
        return self.dense_bytes + max(p.patch.nbytes for p in self.parts) + slack

    @property
    def chunks(self) -> list[tuple[int, int, int]]:
        """(first output row, how many chunks, output rows of each)."""
        count, rest = divmod(self.size[0], self.rows)
        return [(0, count, self.rows), *([(count * self.rows, 1, rest)] if rest else [])]

    @property
    def tiles(self) -> int:
        """Of all pixels."""
        return sum(
            count * -(-rows * part.width // TILE)
            for _, count, rows in self.chunks
            for part in self.parts
        )

    @property
    def cost(self) -> Cost:
        """Instructions of one run."""
        calls = sum(
            count * (2 if rows * part.width % TILE and rows * part.width > TILE else 1)
            for _, count, rows in self.chunks
            for part in self.parts
        )
        found = self.shape.cost(calls, self.tiles, self.layer.filters)
        for part in self.parts:
            row = part.patch.cost + 4
            row += self.windows.cost(part.width) + 4 if self.windows else 0
            found += self.size[0] * row
        return found


def spatial_of(node: Node) -> Spatial | str:
    """How a node is computed, or why it is not."""
    op = node.op
    assert isinstance(op, QConv2D)
    if op.groups > 1:
        return OtherKind("not for groups")
    layer = layer_of(node)
    if isinstance(layer, str):
        return layer
    if layer.filters > MAX_FILTERS:
        return "too many filters"
    found = [f for f in (_direct(node, layer, op.window), _dense(node, layer, op.window)) if f]
    if not found:
        return "its windows do not suit vectors"
    return min(found, key=lambda f: f.cost.total)


def _direct(node: Node, layer: Layer, window: Window) -> Spatial | None:
    """Tiles that read padded rows; taps that lie apart (in one row) are runs of their own."""
    _, kh, kw, channels = node.input(1).type.shape
    height, width = node.output.type.shape[1:3]
    apart = window.dilations[1] * channels if window.dilations[1] > 1 else 0
    if width < TILE or (apart and kh > 1):
        return None
    parts = parts_of(node, (kh, kw), window, lambda part: part.patch.nbytes)
    step, run_step = channels * window.strides[1], apart or parts[0].patch.pitch
    runs, size = (kw, channels) if apart else (kh, kw * channels)
    shape = shape_of(runs, size, step, layer.filters, layer.scaling.form, run_step)
    if shape is None:
        return None
    return Spatial(layer, window, shape, None, parts, (height, width), run_step)


def _dense(node: Node, layer: Layer, window: Window) -> Spatial | None:
    """Tiles that read dense windows."""
    if window.dilations[1] > 1:
        return None
    _, kh, kw, channels = node.input(1).type.shape
    taps, step = kh * kw * channels, channels * window.strides[1]
    for multiple in (HALF, FULL):
        count = -(-taps // multiple) * multiple
        shape = shape_of(1, count, count, layer.filters, layer.scaling.form)
        windows = Windows(kh, kw * channels, step, count)
        if shape and windows.fits:
            filled = np.zeros((layer.filters, count), np.int8)
            filled[:, :taps] = layer.weights.reshape(layer.filters, -1)
            return _densely(node, replace(layer, weights=filled), window, shape, windows)
    return None


def _densely(
    node: Node, layer: Layer, window: Window, shape: Shape, windows: Windows
) -> Spatial | None:
    height, width = node.output.type.shape[1:3]
    kernel = node.input(1).type.shape[1], node.input(1).type.shape[2]

    def cost(part: Part) -> int:
        return part.patch.nbytes + part.width * windows.window_bytes + 2 * SLACK

    if width >= TILE:
        parts = parts_of(node, kernel, window, cost)
    else:
        parts = (part_of(node, kernel, window, 0, width),)
    pitch = parts[0].patch.pitch
    found = Spatial(layer, window, shape, windows, parts, (height, width), pitch)
    return _grouped(found) if len(parts) == 1 else found


def _grouped(found: Spatial) -> Spatial | None:
    """As many rows at a time as leave the fewest tiles."""
    options = [replace(found, rows=rows) for rows in range(1, found.size[0] + 1)]
    usable = [o for o in options if all(rows * o.size[1] >= TILE for _, _, rows in o.chunks)]
    usable.sort(key=lambda o: o.scratch)
    fitting = [o for o in usable if o.scratch <= SCRATCH] or usable[:1]
    return min(fitting, key=lambda o: (o.tiles, o.rows), default=None)


def emit_spatial(w: StepWriter, found: Spatial) -> None:
    op = w.node.op
    assert isinstance(op, QConv2D)
    steps = TILE * found.shape.pixel_step, TILE * found.layer.filters, found.run_step
    calls = _Calls(
        w,
        found,
        declare_tiles(w, found.layer, found.shape, *steps),
        [declare_rows(w, p.patch, op, f"rows{i}") for i, p in enumerate(found.parts)],
        [found.declare_windows(w, p, f"windows{i}") for i, p in enumerate(found.parts)],
    )
    with w.each_sample(w.node.input(0), w.node.output) as (x, y):
        for first, count, height in found.chunks[:: -1 if w.step.backward else 1]:
            if count == 1:
                calls.chunk(x, y, str(first), height)
                continue
            with w.loop("i", count):
                turn = f"({count - 1} - i)" if w.step.backward else "i"
                w.lines.append(f"const int32_t row = {turn} * {height};")
                calls.chunk(x, y, "row", height)


@dataclass(frozen=True, eq=False)
class _Calls:
    """Writes the calls of a step.

    Attributes:
        w: the step.
        found: how it is computed.
        tiles: pointer to the ``ek_tiles``.
        rows, windows: pointers to each part's ``ek_rows`` and ``ek_windows``.
    """

    w: StepWriter
    found: Spatial
    tiles: str
    rows: list[str]
    windows: list[str]

    def chunk(self, x: str, y: str, row: str, height: int) -> None:
        """``height`` output rows from ``row`` on."""
        order = range(len(self.found.parts))
        for index in order[:: -1 if self.w.step.backward else 1]:
            part = self.found.parts[index]
            if height == 1:
                self._fetch(index, x, row, "")
            else:
                with self.w.loop("j", height):
                    self._fetch(index, x, f"({row} + j)", " + j")
            self._multiply(part, y, row, height * part.width)

    def _fetch(self, index: int, x: str, row: str, turn: str) -> None:
        """One output row's windows."""
        w, found = self.w, self.found
        window, part = found.window, found.parts[index]
        target = w.scratch() + (f" + {found.dense_bytes}" if found.dense_bytes else "")
        start = f"{row} * {window.strides[0]} - {window.padding[0]}"
        w.assemble(MVE, rows_block(), "ek_rows_s8", self.rows[index], x, target, start)
        if found.windows is not None:
            dense = w.scratch()
            dense += f"{turn} * {part.width * found.windows.window_bytes}" if turn else ""
            block = found.windows.block()
            w.assemble(MVE, block, "ek_windows_s8", self.windows[index], target, dense)

    def _multiply(self, part: Part, y: str, row: str, pixels: int) -> None:
        """All windows times all filters; pixels after whole tiles with some before them."""
        w, found = self.w, self.found
        filters = found.layer.filters
        to = f"{y} + ({row} * {found.size[1]} + {part.start}) * {filters}"
        block = found.shape.block()
        w.assemble(
            found.shape.form.isa, block, "ek_tiles_s8", self.tiles, w.scratch(), to, pixels // TILE
        )
        if pixels % TILE:
            last = pixels - TILE
            from_ = f"{w.scratch()} + {last * found.shape.pixel_step}"
            to = f"{to} + {last * filters}"
            w.assemble(found.shape.form.isa, block, "ek_tiles_s8", self.tiles, from_, to, 1)


def _overlap(node: Node, found: Spatial) -> Declared:
    _, kh, kw, _ = node.input(1).type.shape
    if len(found.parts) > 1:  # earlier than pixel by pixel, later than row by row
        return by_walk(node, Walk((kh, kw), found.window))
    return by_walk(node, Walk((kh, kw), found.window, found.rows * found.size[1], gathered=True))


SPATIAL = prepared(
    "rows",
    spatial_of,
    emit_spatial,
    lambda node, found: node.output.type.shape[0] * found.cost,
    scratch=lambda node, found: found.scratch,
    overlap=_overlap,
)
