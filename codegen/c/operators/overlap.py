"""How far each kernel lets its output lie over its input, from its loops and a node's geometry.

Distances are ``address of the output - address of the input`` in bytes, see
`edgekit.schedule.overlap`. A kernel that changes its order of reads and writes changes its
declaration here; `tests/codegen/test_overlap.py` runs every kernel at exactly the declared limits.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from codegen.c.operators import quads, wide
from codegen.c.operators.integer import is_depthwise
from edgekit.ir import DType, Node, TensorType
from edgekit.ir.ops import (
    AvgPool2D,
    Conv2D,
    MaxPool2D,
    QAvgPool2D,
    QConv2D,
    QMaxPool2D,
    QMeanPool2D,
    Window,
)
from edgekit.schedule import Overlap
from edgekit.schedule.overlap import IN_PLACE, ROWS
from edgekit.schedule.views import row_range

Declared = Sequence[Overlap | None]
Int = NDArray[np.int64]
BYTES = (DType.INT8, DType.UINT8, DType.BOOL)
"""Character types in C, which may alias every other type."""
NEVER = 1 << 62
"""The first byte of a window that reads nothing; negated, the last."""


def by_element(node: Node) -> Declared:
    """Kernels that read element i of each operand before they write element i of the result.

    An operand that is broadcast is read again later, so it may not be overwritten.
    """
    return [
        None
        if v is None or v.type.size != node.output.type.size or not _may_alias(v.type, node)
        else Overlap(IN_PLACE, _element_distance(v.type, node.output.type))
        for v in node.inputs
    ]


def by_row(node: Node) -> Declared:
    """Dense layers: a row of the input is read until the last element of its row is written."""
    x, y = node.input(0).type, node.output.type
    rows = x.shape[0]
    if rows == 1 or not _may_alias(x, node):
        return ()  # the whole input is read for the last element
    ends = (np.arange(rows, dtype=np.int64) + 1) * (y.nbytes // rows)
    starts = np.arange(rows, dtype=np.int64) * (x.nbytes // rows)
    return [Overlap(ROWS, int((starts - ends).min()))]


def by_mean(node: Node) -> Declared:
    """Means: element i of the result is written after the last read of what lies below it."""
    return [Overlap(IN_PLACE, 0)] if _may_alias(node.input(0).type, node) else ()


def by_shift(node: Node) -> Declared:
    """Slices whose elements lie in one piece: the copy starts at the end that is not overwritten
    first, so every distance is fine."""
    x, y = node.input(0), node.output
    if x.is_constant or row_range(node) is None:
        return ()
    return [Overlap(ROWS, x.type.nbytes, -y.type.nbytes)]


def by_window(node: Node) -> Declared:
    """Convolutions and pooling: rows of the input are free once no later window reaches them."""
    found = _walk_of(node)
    return () if found is None else by_walk(node, found)


def by_walk(node: Node, walk: Walk) -> Declared:
    """A kernel with its own loop over output pixels (see `Walk`), for one sample."""
    return [_window_overlap(node, walk)] if node.input(0).type.shape[0] == 1 else ()


@dataclass(frozen=True)
class Walk:
    """The loop over output pixels.

    Attributes:
        kernel, window: the geometry.
        pixels: output pixels that are computed together.
        gathered: True where all their windows are copied before anything is written.
        by_channel: True where channel c of a pixel is written after the last read of channel c.
        columns: where the pixels of a row that are computed together start; empty: ``pixels`` at a
            time, across rows.
    """

    kernel: tuple[int, int]
    window: Window
    pixels: int = 1
    gathered: bool = False
    by_channel: bool = False
    columns: tuple[int, ...] = ()

    def blocks(self, height: int, width: int) -> Int:
        """First output pixel of each block."""
        if not self.columns:
            return np.arange(0, height * width, self.pixels)
        rows = np.arange(height, dtype=np.int64) * width
        return np.add.outer(rows, np.array(self.columns, np.int64)).ravel()


def _walk_of(node: Node) -> Walk | None:
    """The loop of the kernel that will be emitted for a node; None where it starts over."""
    op = node.op
    if isinstance(op, MaxPool2D | AvgPool2D | QMaxPool2D | QAvgPool2D | QMeanPool2D):
        return Walk(op.kernel, op.window, by_channel=True)
    assert isinstance(op, Conv2D | QConv2D)
    _, kh, kw, _ = node.input(1).type.shape
    if isinstance(op, Conv2D):
        if quads.is_flat((kh, kw), op.window):
            return Walk((kh, kw), op.window, quads.FOUR)
        size, width = node.input(0).type.shape[2], node.output.type.shape[2]
        starts = quads.pieces_of(size, width, kw, op.window).starts
        if quads.by_rows(node):
            starts = (0,)
        return Walk((kh, kw), op.window, columns=starts)
    types = {node.input(0).type.dtype, node.output.type.dtype}
    if DType.INT16 in types and wide.is_narrow(node):
        return Walk((kh, kw), op.window, columns=wide.starts_of(node))
    if types != {DType.INT8} or op.w_zero:
        return Walk((kh, kw), op.window)
    if is_depthwise(node):
        single = node.output.type.shape[3] == node.input(0).type.shape[3]
        return Walk((kh, kw), op.window, by_channel=single)
    if op.groups > 1:
        return None  # the groups are the outer loop
    in_place = kh == kw == 1 and not any(op.window.padding)
    return Walk((kh, kw), op.window, pixels=2, gathered=not in_place)


def _window_overlap(node: Node, walk: Walk) -> Overlap:
    x, y = node.input(0).type, node.output.type
    height, width = y.shape[1:3]
    rows = _reach(x.shape[1], height, 0, walk)
    columns = _reach(x.shape[2], width, 1, walk)
    pixel = x.shape[3] * x.dtype.itemsize
    first = np.add.outer(rows[0] * x.shape[2], columns[0]).ravel() * pixel
    last = (np.add.outer(rows[1] * x.shape[2], columns[1]).ravel() + 1) * pixel
    empty = np.logical_or.outer(rows[1] < 0, columns[1] < 0).ravel()
    first[empty], last[empty] = NEVER, -NEVER
    count = height * width
    blocks = walk.blocks(height, width)
    first, last = np.minimum.reduceat(first, blocks), np.maximum.reduceat(last, blocks)
    wide = y.nbytes // count
    starts, ends = blocks * wide, np.append(blocks[1:], count) * wide
    # What is read after a block is done, and what is read while it is being written.
    later = np.append(np.minimum.accumulate(first[::-1])[::-1][1:], NEVER)
    earlier = np.insert(np.maximum.accumulate(last)[:-1], 0, -NEVER)
    ahead, behind = [later - ends], [earlier - starts]
    if not walk.gathered:
        ahead.append(first - (starts if walk.by_channel else ends))
        behind.append(last - starts)
    forward, backward = np.concatenate(ahead).min(), np.concatenate(behind).max()
    return Overlap(ROWS, min(int(forward), x.nbytes), max(int(backward), -y.nbytes))


def _reach(size: int, count: int, axis: int, walk: Walk) -> tuple[Int, Int]:
    """First and last position inside the input of each window along one axis; -1 where none."""
    window = walk.window
    starts = np.arange(count, dtype=np.int64) * window.strides[axis] - window.padding[axis]
    taps = starts[:, None] + np.arange(walk.kernel[axis]) * window.dilations[axis]
    inside = (taps >= 0) & (taps < size)
    first = np.where(inside, taps, size).min(axis=1)
    last = np.where(inside, taps, -1).max(axis=1)
    return np.where(last < 0, -1, first), last


def _element_distance(x: TensorType, y: TensorType) -> int:
    """Largest distance of the result's first byte from the operand's."""
    grow = x.dtype.itemsize - y.dtype.itemsize
    return grow if grow >= 0 else (math.prod(y.shape) - 1) * grow


def _may_alias(x: TensorType, node: Node) -> bool:
    """C forbids stores of one type to be read as another, except for characters."""
    y = node.output.type.dtype
    return x.dtype is y or x.dtype in BYTES or y in BYTES
