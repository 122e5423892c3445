"""Depthwise layers on Armv7E-M area by area: geometry, weights, overlap and counts."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, replace
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from codegen.assembly.armv7e_m.depthwise_area_block import MOST_ROWS, area_cost
from codegen.assembly.armv7e_m.depthwise_area_pack import COLUMNS, PITCH, fill_cost, pack_cost
from codegen.assembly.armv7e_m.depthwise_area_taps import pairs_of
from codegen.assembly.armv7e_m.depthwise_filters import Filters, whole_quads
from codegen.assembly.cost import Cost
from codegen.assembly.turned import turned
from codegen.c.operators.overlap import Declared, Walk, by_walk
from edgekit.ir import Node
from edgekit.ir.op import Shape
from edgekit.ir.ops import QConv2D, Window

Pair = tuple[int, int]
BAND, BAND_BYTES = 2, 2048
"""Output rows of an area, by which the output lags further: so many, or more that are small."""
STRIP, STRIP_BYTES = 4, 1536
"""Outputs of an area of a single row, by which the output lags: a multiple, and their bytes."""
ROWS = 8
"""Most packed rows, so that scratch takes 2 KiB."""


@dataclass(frozen=True)
class Areas:
    """Geometry of a layer.

    Attributes:
        size, outputs: height and width of input and output.
        channels: of both.
        kernel: height and width of a window.
        window: its steps.
        samples: along axis 0.
        bytes: of an element.
    """

    size: Pair
    outputs: Pair
    channels: int
    kernel: Pair
    window: Window
    samples: int = 1
    bytes: int = 1

    @property
    def width(self) -> int:
        """Columns of a window, odd: the last one may have no weights."""
        return max(3, self.kernel[1] | 1)

    @property
    def stride(self) -> int:
        """Of columns."""
        return self.window.strides[1]

    @property
    def turns(self) -> int:
        """Pairs of weights of a channel, by four."""
        return -(-self.kernel[0] * pairs_of(self.width, self.stride) // 4)

    @property
    def band(self) -> int:
        """Most output rows of an area."""
        phases = self.window.dilations[0]
        fit = (ROWS - self.kernel[0]) // self.window.strides[0] + 1
        row = self.bytes * self.channels * max(self.size[1], self.outputs[1])
        small = BAND_BYTES // (phases * row)
        return max(min(fit, max(BAND, small), -(-self.outputs[0] // phases)), 1)

    @property
    def strip(self) -> int:
        """Most output columns of an area, even."""
        reach = self.width // 2
        most = COLUMNS - 2 * reach if self.stride == 1 else (COLUMNS // 2 - reach) // 2 * 2
        if self.outputs[0] > 1:
            return most
        pixels = STRIP_BYTES // (self.bytes * self.channels)
        return min(most, max(STRIP, pixels // STRIP * STRIP))

    @property
    def bands(self) -> int:
        """Areas above each other: those of each phase of dilated rows."""
        return self._count(0, self.band)

    @property
    def strips(self) -> int:
        """Areas beside each other: those of each phase of dilated columns."""
        return self._count(1, self.strip)

    def _count(self, axis: int, most: int) -> int:
        phases = self.window.dilations[axis]
        own = -(-self.outputs[axis] // phases)
        return phases * -(-own // most)

    @property
    def rows(self) -> int:
        """Packed rows of an area."""
        return (self.band - 1) * self.window.strides[0] + self.kernel[0]

    @property
    def scratch(self) -> int:
        """Bytes of packed rows."""
        return self.rows * PITCH

    def refusal(self) -> str:
        """Why the blocks cannot walk over this layer."""
        if self.kernel[1] == 1:
            return "windows of one column"
        if self.stride > 2:
            return "horizontal strides of more than 2"
        if self.width not in MOST_ROWS or self.kernel[0] > MOST_ROWS[self.width]:
            return "windows of more rows or columns than the code has"
        return ""

    def areas(self) -> Iterator[tuple[Pair, Pair, Pair]]:
        """Of each area: its outputs; input rows and columns of which are there; padding before
        them."""
        strips = [self._area(1, number, self.strip) for number in range(self.strips)]
        for number in range(self.bands):
            rows, above, inside_h = self._area(0, number, self.band)
            for columns, left, inside_w in strips:
                if rows > 0 and columns > 0:
                    yield (rows, columns), (inside_h, inside_w), (above, left)

    def _area(self, axis: int, number: int, most: int) -> tuple[int, int, int]:
        """How many outputs along an axis; positions before the input, and inside."""
        stride, phases = self.window.strides[axis], self.window.dilations[axis]
        index, phase = divmod(number, phases)
        first = phase + index * phases * most
        count = max(min(most, -(-(self.outputs[axis] - first) // phases)), 0)
        at = first * stride - self.window.padding[axis]
        taps = max((count - 1) * stride + self.kernel[axis], 0)
        before = min(max(-(at // phases), 0), taps)
        end = min(max(-((at - self.size[axis]) // phases), 0), taps)
        return count, before, max(end - before, 0)

    def overlap(self, node: Node) -> Declared:
        """An area is written while all of its input is still needed; where one is not a part of a
        row or some whole rows, rows are."""
        kernel, window = self.kernel, self.window
        strip = self.outputs[1] if window.dilations[1] > 1 else self.strip
        node = turned(node)
        rows = self.band * window.dilations[0]
        if rows > 1:
            return by_walk(node, Walk(kernel, window, pixels=rows * self.outputs[1]))
        return by_walk(node, Walk(kernel, window, columns=tuple(range(0, self.outputs[1], strip))))

    def cost(self, twice: bool) -> Cost:
        """Executed by the blocks, and by the driver in C, measured."""
        quads, areas = -(-self.channels // 4), list(self.areas())
        total = Cost(control=SKIPPED * self.bands * self.strips + DRIVER * len(areas))
        for (size, inside, before), count in Counter(areas).items():
            quad = area_cost(size, self.kernel[0], self.width, self.stride, self.turns, twice)
            if min(inside) > 0:
                quad += pack_cost(*inside, before[1], wide=self.bytes == 2)
            total += count * quads * (quad + DRIVER_QUAD)
        moved = (now for last, now in pairwise(areas) if now != last)
        for size, inside, _ in (areas[0], *moved):
            height = (size[0] - 1) * self.window.strides[0] + self.kernel[0]
            width = (size[1] - 1) * self.stride + self.kernel[1]
            if inside != (height, width):
                total += fill_cost(height)
        return self.samples * total


DRIVER, DRIVER_QUAD, SKIPPED = 175, 24, 35
"""Instructions of the driver for an area, for four of its channels, for any turn of its loop."""


def areas_of(node: Node) -> Areas:
    """The geometry of a depthwise layer, an image of one column taken for a row; of strides of one
    row or column nothing is left."""
    node = turned(node)
    op = node.op
    assert isinstance(op, QConv2D)
    size, outputs = _plane(node.input(0).type.shape), _plane(node.output.type.shape)
    kernel, window = _plane(node.input(1).type.shape), op.window
    strides = tuple(s if n > 1 else 1 for s, n in zip(window.strides, outputs, strict=True))
    window = replace(window, strides=(strides[0], strides[1]))
    samples, *_, channels = node.output.type.shape
    size_of = node.output.type.dtype.itemsize
    return Areas(size, outputs, channels, kernel, window, samples, size_of)


def _plane(shape: Shape) -> Pair:
    return shape[1], shape[2]


def pack(filters: Filters, areas: Areas) -> NDArray[np.int32]:
    """For each channel: start, multiplier, half where there is one, and bytes of its weights. A
    word holds two pairs, of which one has the even and one the odd bytes. The last four channels
    are whole."""
    channels, (height, columns) = len(filters.start), areas.kernel
    weights = filters.weights.reshape(channels, height, columns)
    pairs = pairs_of(areas.width, areas.stride)
    first = np.arange(pairs) * areas.stride
    padded = np.pad(weights, ((0, 0), (0, 0), (0, areas.width + 1 - columns)))
    halves = padded[:, :, first[:, None] + np.arange(2)].reshape(channels, -1, 2)
    halves = np.pad(halves, ((0, 0), (0, 4 * areas.turns - height * pairs), (0, 0)))
    turned = halves.reshape(channels, -1, 2, 2).transpose(0, 1, 3, 2)
    words = np.ascontiguousarray(turned).reshape(channels, -1).view("<i4")
    constants = [filters.start, filters.multiplier]
    if filters.half is not None:
        constants.append(filters.half)
    rows = np.concatenate([np.stack(constants, axis=1).astype(np.int32), words], axis=1)
    return np.asarray(rows[whole_quads(channels)])
