"""Lists of the weights that are not zero, for cores that multiply by one weight at a time.

A list holds the weights of one filter for at most `PLACES` inputs: two bytes that say how many
there are, then the weight and the place of each. Its multiplications are written out `GROUP` times;
a list enters the first group so many items before its end that whole groups follow. What a list
costs is known when it is made, so each layer takes whichever form is cheaper.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from codegen.assembly.cost import Cost
from codegen.assembly.refusal import OtherKind
from codegen.c.step import StepWriter, Variant
from edgekit.ir import Node

WORTH = 0.9
"""Share of the dense function's instructions from which on a second function pays for its code."""
GROUP = 16
"""Items that are written out, as in ``ek_list.h``."""
HEAD = 2
"""Bytes before the items of a list."""
PLACES = 256
Bytes = NDArray[np.int8]
Count = Callable[[Node], Cost]


@dataclass(frozen=True)
class ListCost:
    """Instructions of an instruction set's lists.

    Attributes:
        item: of each weight.
        head: of each list.
        turn: more for each group that is entered.
    """

    item: int
    head: int
    turn: int

    def total(self, parts: Iterable[Bytes]) -> int:
        """Executed for all rows of some arrays of weights, a list each."""
        counts = np.concatenate([np.count_nonzero(part, axis=1) for part in parts])
        turns = np.maximum(-(-counts // GROUP), 1)
        return int((self.item * counts + self.head + self.turn * turns).sum())


def listed(variant: Variant, emit: Callable[[StepWriter], None], cost: Count) -> Variant:
    """A variant that leaves out weights of zero, where that is worth a second function.

    Args:
        variant: the one that does not.
        emit, cost: what differs.
    """

    def refuse(node: Node) -> str:
        if not is_sparse(node.input(1).array):
            return OtherKind("not sparse")
        reason = variant.refuse(node)
        if not reason and cost(node).total > WORTH * variant.instructions(node):
            reason = OtherKind("not sparse enough")
        return reason

    return replace(variant, name=f"{variant.name} sparse", emit=emit, cost=cost, refuse=refuse)


def is_sparse(weights: NDArray[Any]) -> bool:
    """Whether there are enough zeros for anything that skips them."""
    return bool((weights == 0).mean() > 1 - WORTH)


def pack_lists(parts: Iterable[Bytes]) -> Bytes:
    """The lists of all rows of some arrays of weights."""
    return np.concatenate([_pack_list(row) for part in parts for row in part])


def _pack_list(row: Bytes) -> Bytes:
    """Of at most `PLACES` weights: items left out of the first group, groups after it, items."""
    places = np.flatnonzero(row)
    groups = max(-(-len(places) // GROUP), 1)
    items = np.column_stack([row[places].view(np.uint8), places.astype(np.uint8)])
    head = np.array([GROUP * groups - len(places), groups - 1], np.uint8)
    return np.concatenate([head, items.ravel()]).view(np.int8)


def pieces_of(rows: Bytes) -> list[Bytes]:
    """Each of some long rows, shape (lists, inputs): equal shares that a list can hold, the last
    one filled up with zeros."""
    pieces = -(-rows.shape[1] // PLACES)
    piece = -(-rows.shape[1] // pieces)
    padded = np.pad(rows, ((0, 0), (0, pieces * piece - rows.shape[1])))
    return list(padded.reshape(len(rows), pieces, piece))
