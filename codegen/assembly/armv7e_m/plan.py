"""How a convolution becomes passes over tiles of four output pixels.

A tap is a run of consecutive input bytes that one kernel position (or, with few channels, one row
of kernel positions) reads for a pixel. A pass copies some taps of four pixels into a tile on the
stack and multiplies it with some pairs of filters. Where a window is larger than a tile, sums wait
on the stack between passes. All of that is data, so that layers share one function.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from codegen.assembly.armv7e_m.pairs import STEP
from edgekit.ir import Node
from edgekit.ir.ops import QConv2D, QDense, Window

PIXELS = 4
"""Pixels of a tile."""
WORDS = 32
"""Most steps of four inputs in a tile."""
STEP_BYTES = 2 * STEP * PIXELS
"""Bytes that one step takes in the tile."""
BUDGET = 1856
"""Bytes of tile, waiting sums, padding: with the function's variables 2 KiB."""
NARROW = 12
"""Below so many channels a tap is a row of the kernel."""


@dataclass(frozen=True)
class Tap:
    """One run of bytes of a window: vertical and horizontal position, first channel."""

    dy: int
    dx: int
    channel: int


@dataclass(frozen=True)
class Pass:
    """Some taps times some pairs of filters.

    Attributes:
        first: first filter.
        pairs: pairs of filters.
        taps: range of taps.
        is_first, is_last: whether sums start with the bias, whether they are complete afterwards.
        packs: whether the tile is filled (or still is from the pass before).
    """

    first: int
    pairs: int
    taps: range
    is_first: bool
    is_last: bool
    packs: bool


@dataclass(frozen=True)
class Geometry:
    """What a plan depends on: an image, a window sliding over it, filters."""

    size: tuple[int, int]
    channels: int
    kernel: tuple[int, int]
    window: Window
    out: tuple[int, int]
    filters: int

    @property
    def pixels(self) -> int:
        """Output pixels."""
        return self.out[0] * self.out[1]


def geometry_of(node: Node) -> Geometry:
    """The image and window of a convolution; dense layers and plain 1x1 kernels slide along one
    row."""
    x, y = node.input(0).type.shape, node.output.type.shape
    op = node.op
    if isinstance(op, QDense):
        return Geometry((1, x[0]), x[1], (1, 1), Window(), (1, x[0]), y[1])
    assert isinstance(op, QConv2D)
    _, height, width, _ = node.input(1).type.shape
    kernel = height, width
    if kernel == (1, 1) and op.window == Window():
        count = x[1] * x[2]
        return Geometry((1, count), x[3], kernel, op.window, (1, count), y[3])
    return Geometry((x[1], x[2]), x[3], kernel, op.window, (y[1], y[2]), y[3])


@dataclass(frozen=True)
class Plan:
    """Taps and passes of a layer."""

    geometry: Geometry

    @cached_property
    def shared(self) -> bool:
        """Whether a tap is three neighbouring positions of which the four pixels of a tile, side by
        side in one row, read six: each input is loaded once for up to three products."""
        g = self.geometry
        _, left, _, right = g.window.padding
        return (
            g.kernel[1] == 3
            and g.window.strides == (1, 1)
            and g.window.dilations[1] == 1
            and max(left, right) <= 1
            and g.channels % STEP == 0
            and g.out[1] % PIXELS == 0
        )

    @cached_property
    def columns(self) -> int:
        """Kernel positions in a tap."""
        g = self.geometry
        rows = g.channels < NARROW and g.channels % STEP and g.window.dilations[1] == 1
        return g.kernel[1] if rows and g.kernel[1] * g.channels <= WORDS * STEP else 1

    @cached_property
    def merged(self) -> bool:
        """Whether the last bytes of all taps make one step, as those of 3x3 kernels on three
        channels."""
        rows = self.geometry.kernel[0]
        short = self.run > STEP and self.run % STEP == 1
        return self.columns > 1 and short and 1 < rows <= STEP

    @cached_property
    def parts(self) -> int:
        """Taps that a kernel position (or row) is cut into: short enough for a tile, and such that
        tiles are as full as possible."""
        g = self.geometry
        if self.columns > 1:
            return 1
        fewest = -(-g.channels * (3 if self.shared else 1) // (WORDS * STEP))
        if self.shared:
            while g.channels % (STEP * fewest):
                fewest += 1
        able = [n for n in range(fewest, 8 * fewest) if n == fewest or g.channels % (STEP * n) == 0]
        return min(able, key=lambda n: (self._passes_with(n), n))

    def _passes_with(self, parts: int) -> int:
        width = 3 if self.shared else 1
        words = width * -(-self._run(parts) // STEP)
        taps = self.geometry.kernel[0] * self.geometry.kernel[1] // width * parts
        return -(-taps // (WORDS // words))

    def _run(self, parts: int) -> int:
        return -(-self.geometry.channels // parts)

    @cached_property
    def run(self) -> int:
        """Bytes of a tap."""
        if self.columns > 1:
            return self.columns * self.geometry.channels
        return self._run(self.parts)

    @property
    def steps(self) -> int:
        """Steps of four inputs in a tap; the last may repeat some bytes, with weights of zero."""
        if self.merged:
            return self.run // STEP
        return -(-self.run // STEP) * (3 if self.shared else 1)

    def pass_steps(self, p: Pass) -> int:
        """Steps of a pass."""
        return len(p.taps) * self.steps + self.merged

    @cached_property
    def taps(self) -> tuple[Tap, ...]:
        """All taps of a window, in the order of the weights."""
        g = self.geometry
        starts = [min(i * self.run, g.channels - self.run) for i in range(self.parts)]
        if self.columns > 1:
            starts = [0]
        return tuple(
            Tap(ky * g.window.dilations[0], kx * g.window.dilations[1], start)
            for ky in range(g.kernel[0])
            for kx in range(0, g.kernel[1], 3 if self.shared else self.columns)
            for start in starts
        )

    @cached_property
    def chunk(self) -> int:
        """Taps of a pass: as few passes as possible, about the same in each."""
        passes = -(-len(self.taps) // (WORDS // self.steps))
        return -(-len(self.taps) // passes)

    @property
    def chunks(self) -> int:
        """Passes until a sum is complete."""
        return -(-len(self.taps) // self.chunk)

    @cached_property
    def group(self) -> int:
        """Most pairs of filters in a pass: their sums wait together."""
        if self.chunks == 1:
            return self.geometry.filters
        return (BUDGET - self.tile_bytes - self.edge_bytes) // (8 * PIXELS)

    @cached_property
    def inside(self) -> tuple[range, range]:
        """Output rows and columns at which a tile of one row begins whose windows all lie inside
        the input."""
        g = self.geometry
        if self.shared:  # whose taps find the borders themselves
            return range(g.out[0]), range(g.out[1])
        (stride_h, stride_w), (top, left, _, _) = g.window.strides, g.window.padding
        height = max(t.dy for t in self.taps) + 1
        width = max(t.dx for t in self.taps) + self.columns
        rows = _positions(g.out[0], stride_h, top, height, g.size[0])
        columns = _positions(g.out[1], stride_w, left, width, g.size[1])
        last = columns.stop - PIXELS + 1 if self.run >= STEP else columns.start
        return rows, range(columns.start, max(last, columns.start))

    @property
    def repeats(self) -> bool:
        """Whether tiles that follow a fast one in its row find its only pass prepared."""
        return len(self.passes) == 1 and not self.shared

    @property
    def tile_bytes(self) -> int:
        """Bytes of the tile."""
        return (self.chunk * self.steps + self.merged) * STEP_BYTES

    @property
    def pad_bytes(self) -> int:
        """Bytes of a tap that is padding: whole words."""
        return -(-self.run // STEP) * STEP

    @property
    def edge_bytes(self) -> int:
        """Bytes of a tap that is padding, and of taps that reach beyond the image."""
        padded = self.pad_bytes
        return padded * (1 + PIXELS) if self.columns > 1 or self.run < STEP else padded

    @property
    def sum_bytes(self) -> int:
        """Bytes of sums that wait for the next pass."""
        return 0 if self.chunks == 1 else 8 * PIXELS * max(p.pairs for p in self.passes)

    @cached_property
    def order(self) -> NDArray[np.int64]:
        """Filters in the order of their pairs: first, second, first, ..."""
        spans = [np.arange(p.first, p.first + 2 * p.pairs) for p in self.passes if p.is_last]
        return np.concatenate(spans).astype(np.int64)

    @cached_property
    def passes(self) -> tuple[Pass, ...]:
        """All passes of a tile. An odd last filter is computed with its predecessor once more."""
        whole = self.geometry.filters // 2
        count = -(-whole // self.group)
        size = -(-whole // count)
        groups = [(2 * size * i, min(size, whole - size * i)) for i in range(count)]
        if self.geometry.filters % 2:
            groups.append((self.geometry.filters - 2, 1))
        found = []
        for index, (first, pairs) in enumerate(groups):
            for c in range(self.chunks):
                taps = range(c * self.chunk, min((c + 1) * self.chunk, len(self.taps)))
                ends = c == 0, c == self.chunks - 1
                found.append(Pass(first, pairs, taps, *ends, self.chunks > 1 or index == 0))
        return tuple(found)


def _positions(count: int, stride: int, pad: int, reach: int, size: int) -> range:
    """Output positions whose windows lie inside the input, along one axis."""
    first = -(-pad // stride)
    last = (size + pad - reach) // stride
    return range(first, max(min(last, count - 1) + 1, first))
