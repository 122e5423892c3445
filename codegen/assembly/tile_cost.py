"""Instructions of a convolution by tiles: the loops of driver and kernel, each with its share."""

from __future__ import annotations

import math
from dataclasses import dataclass

from codegen.assembly.cost import Cost
from codegen.assembly.listed import ListCost
from codegen.assembly.tiles import MOST, PIXELS, largest_sum, parts_of, split_of
from edgekit.ir import Node
from edgekit.ir.ops import QConv2D, Rounding


@dataclass(frozen=True)
class TileCost:
    """Instructions of an instruction set's kernel for one tile; those that a compiler chooses are
    from a fit to the layers of the MLPerf Tiny models.

    Attributes:
        product: of a tap and a filter.
        tap: spreading one tap.
        filter: beginning, requantizing and storing a filter; ``signed``: more, rounded twice.
        call: of the kernel.
        row: finding the windows' bytes of one kernel row.
        waiting: a filter in each call but the last; ``unpacked``: more, as sums.
    """

    product: int
    tap: int
    filter: int
    signed: int
    call: int
    row: int
    waiting: int
    unpacked: int


def convolution_cost(node: Node, cost: TileCost, lists: ListCost | None = None) -> Cost:
    """Executed by one run of a convolution; ``lists``: whose weights are listed."""
    op = node.op
    assert isinstance(op, QConv2D)
    split, blocks = split_of(node), [len(f) for f in split_of(node).blocks()]
    taps, calls = split.height * split.width, len(split.calls)
    rounded_twice = op.requant.rule is Rounding.DOUBLE and op.requant.low < op.requant.zero_point
    waits = cost.waiting
    if calls > 1 and largest_sum(node, [(slice(None), slice(None))]) > MOST:
        waits += cost.unpacked
    each_filter = Cost(
        products=cost.product * taps,
        packing=(calls - 1) * waits,
        requantize=cost.filter + cost.signed * rounded_twice,
    )
    each_block = Cost(packing=cost.tap * taps + cost.row * split.height, control=cost.call * calls)
    tiles = -(-math.prod(node.output.type.shape[:3]) // PIXELS)
    listed = Cost(products=lists.total(parts_of(node.input(1).array, split)) if lists else 0)
    return tiles * (listed + sum(blocks) * each_filter + len(blocks) * each_block)
