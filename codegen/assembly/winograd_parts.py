"""Numbers of Winograd convolutions (ek_winograd.h), and how a layer and its weights are divided."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from edgekit.ir import Node
from edgekit.ir.ops import QConv2D

ROWS, POINTS, TAPS, FILTERS = 4, 6, 3, 4
COLUMNS, WIDTH = 2, 4
"""Columns of outputs in a tile, of inputs."""
SUMS = COLUMNS * FILTERS
"""Of a row of outputs."""
WORD = 4
"""Channels that are transformed together."""
POINT_BYTES = 16
"""Of the four columns of a pair of channels."""
RECORD_BYTES = POINTS * POINT_BYTES
ROW_BYTES = 4 * SUMS
WAITING_BYTES = ROWS * ROW_BYTES
Q_BYTES = 4 * FILTERS * 3
FACTOR = 24
"""Sums are so many times the real ones."""
THIRD = 0xAAAAAAAB
"""Three times this is 1 modulo 2**32."""
SIGNED = 1
"""As ``ek_winograd.h`` numbers it: negative sums are scaled in a way of their own."""
MEMORY = 2048
"""Bytes of scratch and stack together."""
POINT_ROWS = np.array(
    [[-4, -4, -4], [-4, 4, -4], [1, 2, 4], [1, -2, 4], [6, 0, 0], [0, 0, 24]], np.int64
)
"""Weights of each point from those of three rows."""


@dataclass(frozen=True)
class Parts:
    """How a layer is divided so that it fits into scratch.

    Attributes:
        channels: in all; a part of them is transformed at a time.
        filters: in all.
        part: channels of a part.
        group: blocks of filters of a group; other groups transform the channels again.
        apart: bytes beside columns and sums that wait.
    """

    channels: int
    filters: int
    part: int
    group: int
    apart: int

    @property
    def blocks(self) -> int:
        """Of filters, a last one that is not whole included."""
        return -(-self.filters // FILTERS)

    @property
    def starts(self) -> list[int]:
        """First filter of each block."""
        return [min(FILTERS * b, self.filters - FILTERS) for b in range(self.blocks)]

    @property
    def counts(self) -> list[int]:
        """Channels of each part."""
        return [min(self.part, self.channels - c) for c in range(0, self.channels, self.part)]

    @property
    def groups(self) -> list[int]:
        """Blocks of each group."""
        return [min(self.group, self.blocks - b) for b in range(0, self.blocks, self.group)]

    @property
    def is_whole(self) -> bool:
        """Whether columns are transformed once and stay for the next tile."""
        return len(self.counts) == 1 and len(self.groups) == 1

    @property
    def nbytes(self) -> int:
        """Of scratch: columns, sums of a block, sums that wait, what is spare."""
        waiting = self.group * WAITING_BYTES if len(self.counts) > 1 else 0
        return self.part // 2 * RECORD_BYTES + waiting + self.apart


def stream(weights: NDArray[np.int8], parts: Parts) -> NDArray[np.int16]:
    """Weights in reading order: group, part, block, point, pair of channels, tap, filter, channel.

    Args:
        weights: filters x 3 x 3 x channels.
        parts: how they are divided.
    """
    points = np.einsum("pr,frtc->fptc", POINT_ROWS, weights.astype(np.int64)).astype(np.int16)
    # Channels 0 and 2 of four are a pair, 1 and 3 the other: as SXTAB16 takes bytes of a word.
    pairs = points.reshape(*points.shape[:3], -1, 2, 2).swapaxes(4, 5)
    pairs = pairs.reshape(*points.shape[:3], -1, 2).transpose(1, 3, 2, 0, 4)
    found, block = [], 0
    for group in parts.groups:
        first = 0
        for count in parts.counts:
            for start in parts.starts[block : block + group]:
                own = pairs[:, first // 2 : (first + count) // 2, :, start : start + FILTERS]
                found.append(own.ravel())
            first += count
        block += group
    return np.concatenate(found)


def edges(node: Node, parts: Parts) -> int:
    """Transformed columns of which a part lies outside the input."""
    op, (_, height, width, _) = node.op, node.output.type.shape
    assert isinstance(op, QConv2D)
    (_, in_h, in_w, _), (top, left, _, _) = node.input(0).type.shape, op.window.padding
    columns = []
    for x in range(0, width, COLUMNS):
        first = min(x, width - COLUMNS)
        stays = parts.is_whole and x > 0 and first == x
        columns += [first - left + k for k in range(COLUMNS if stays else 0, WIDTH)]
    inside = sum(0 <= x < in_w for x in columns)
    bands = range(-top, height - top, ROWS)
    whole = sum(y >= 0 and y + POINTS <= in_h for y in bands)
    times = len(parts.groups) * len(parts.counts)
    return times * (len(columns) * len(bands) - inside * whole)


def word(value: int) -> int:
    """As int32, modulo 2**32."""
    return (value + (1 << 31)) % (1 << 32) - (1 << 31)
