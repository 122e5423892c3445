"""Instructions of a convolution by tiles: the loops of driver and kernel, each with its share."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from codegen.assembly.cost import Cost
from codegen.assembly.listed import ListCost
from codegen.assembly.tiles import (
    MOST,
    PIXELS,
    Split,
    is_plain,
    largest_sum,
    parts_of,
    short_share,
    split_of,
)
from edgekit.ir import Node
from edgekit.ir.ops import QConv2D, Rounding


@dataclass(frozen=True)
class TileCost:
    """Instructions of an instruction set's kernel for one tile; those that a compiler chooses are
    from a fit to the layers of the MLPerf Tiny models and to random ones.

    Attributes:
        product: of a tap and a filter.
        tap: spreading one tap.
        filter: beginning, requantizing and storing a filter; ``signed``: more, rounded twice;
            ``clamped``: more, to less than int8.
        call: of the kernel.
        row: finding the bytes of one kernel row, or of one piece of it.
        copy, byte: copying one window's piece that reaches over an edge, and each byte of it that
            is inside.
        tile, layer: what is left, of a tile and of a sample.
        straight, straight_row: fewer for a tile whose windows lie side by side, and for each row.
        waiting: a filter in each call but the last; ``unpacked``: more, as sums.
        spared: fewer for a filter that two 32-bit products scale; ``bits``: of other multipliers.
    """

    product: int
    tap: int
    filter: int
    signed: int
    clamped: int
    call: int
    row: int
    copy: int
    byte: float
    tile: int
    layer: int
    waiting: int
    unpacked: int
    straight: int
    straight_row: int
    spared: int = 0
    bits: int = 31


def convolution_cost(node: Node, cost: TileCost, lists: ListCost | None = None) -> Cost:
    """Executed by one run of a convolution; ``lists``: whose weights are listed."""
    op = node.op
    assert isinstance(op, QConv2D)
    split, blocks = split_of(node), [len(f) for f in split_of(node).blocks()]
    taps, calls = split.height * split.width, len(split.calls)
    rounded_twice = op.requant.rule is Rounding.DOUBLE and op.requant.low < op.requant.zero_point
    clamps = (op.requant.low, op.requant.high) != (-128, 127)
    waits = cost.waiting
    if calls > 1 and largest_sum(node, [(slice(None), slice(None))]) > MOST:
        waits += cost.unpacked
    scaling: float = cost.filter + cost.signed * rounded_twice + cost.clamped * clamps
    if cost.spared:
        scaling -= cost.spared * short_share(node, cost.bits)
    each_filter = Cost(
        products=cost.product * taps,
        packing=(calls - 1) * waits,
        requantize=scaling,
    )
    each_block = Cost(
        packing=cost.tap * taps + cost.row * split.height * split.pieces,
        control=cost.call * calls,
    )
    samples, *size, _ = node.output.type.shape
    tiles = -(-size[0] * size[1] // PIXELS)
    listed = Cost(products=lists.total(parts_of(node.input(1).array, split)) if lists else 0)
    each_tile = listed + sum(blocks) * each_filter + len(blocks) * each_block + cost.tile
    edges = len(blocks) * _edges(node, op, split, cost)
    found = len(blocks) * cost.straight_row * split.height * split.pieces
    straight = straight_tiles(node) * Cost(packing=found, control=cost.straight)
    return samples * (tiles * each_tile + edges + cost.layer - straight)


def straight_tiles(node: Node) -> int:
    """Tiles of a sample whose windows lie side by side in one row, inside the input's columns."""
    op = node.op
    assert isinstance(op, QConv2D)
    _, height, width, _ = node.output.type.shape
    if is_plain(node):
        return int(height * width // PIXELS)
    (_, stride), (_, pad, _, _) = op.window.strides, op.window.padding
    reach = (PIXELS - 1) * stride + node.input(1).type.shape[2]
    columns = (first % width for first in range(0, height * width, PIXELS))
    lefts = (x * stride - pad for x in columns if x + PIXELS <= width)
    return sum(0 <= x <= node.input(0).type.shape[2] - reach for x in lefts)


def _edges(node: Node, op: QConv2D, split: Split, cost: TileCost) -> Cost:
    """Copies for one block of filters: rows inside the input of windows that reach over its left
    or right edge."""
    (_, height, width, channels), window = node.input(0).type.shape, op.window
    _, rows, columns, _ = node.output.type.shape
    kernel = node.input(1).type.shape[1:3]
    tiles = -(-rows * columns // PIXELS)
    y, x = np.divmod(np.minimum(np.arange(PIXELS * tiles), rows * columns - 1), columns)
    top, left = y * window.strides[0] - window.padding[0], x * window.strides[1] - window.padding[1]
    found = top[:, None] + window.dilations[0] * np.arange(kernel[0])
    inside = ((found >= 0) & (found < height)).sum(axis=1)
    inside *= (left < 0) | (left + kernel[1] > width)
    positions = np.minimum(left + kernel[1], width) - np.maximum(left, 0)
    copied = channels * int((inside * np.maximum(positions, 0)).sum())
    return Cost(borders=cost.copy * split.pieces * int(inside.sum()) + cost.byte * copied)
