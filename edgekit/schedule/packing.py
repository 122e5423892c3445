"""Offsets for blocks with live ranges: first fit in several orders, improved, then exact.

Method of the start: "Efficient Memory Management for Deep Neural Net Inference" (Pisarchyk and
Lee, 2020), greedy by size, and the same first fit in order of time. What comes after can only
improve on it: a random walk over orders with a fixed seed, then `edgekit.schedule.exact`.
"""

from __future__ import annotations

import random
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from edgekit.schedule.exact import Pair, lowest_height, placement_below
from edgekit.schedule.model import round_up
from edgekit.schedule.overlap import Gap

WALK_SHARE = 0.05
"""Part of the time that the random walk may take."""
SEED = 0


Gaps = Mapping[tuple[int, int], Sequence[Gap]]
"""Forbidden distances by pair of blocks."""


@dataclass(frozen=True)
class Block:
    """Bytes needed from step ``first`` to step ``last``, both included."""

    nbytes: int
    first: int
    last: int


@dataclass(frozen=True)
class Packed:
    """Where blocks lie.

    Attributes:
        offsets: of each block, in bytes.
        total: bytes in all, a multiple of the alignment.
        bound: bytes that no placement of these blocks can undercut.
    """

    offsets: list[int]
    total: int
    bound: int


@dataclass
class _Task:
    sizes: list[int]
    pairs: list[Pair]
    rivals: list[list[tuple[int, int, int]]] = field(default_factory=list)
    """By block: the other one, and the distances to it between which this block may not lie."""


def pack(
    blocks: Sequence[Block],
    align: int,
    gaps: Gaps | None = None,
    *,
    bound: int = 0,
    seconds: float = 0.0,
) -> Packed:
    """Offsets so that blocks alive at the same step do not overlap.

    Args:
        blocks: any number, any order.
        align: alignment of every offset in bytes.
        gaps: forbidden distances for pairs ``(from, to)`` that may overlap in part, multiples of
            ``align``; none at all where they are always apart.
        bound: bytes that are known to be necessary; a placement that reaches it ends the search.
        seconds: time for improving on first fit; 0 gives first fit alone.
    """
    deadline = time.monotonic() + seconds
    task = _describe(blocks, align, gaps or {})
    bound = max([bound, *task.sizes])
    total, offsets, order = _greedy(task, blocks)
    if total > bound and seconds:
        until = time.monotonic() + WALK_SHARE * seconds
        total, offsets = _walk(task, order, total, offsets, bound, until)
    if total > bound and seconds:
        found, bound = lowest_height(
            task.sizes, task.pairs, low=bound, high=total, align=align, deadline=deadline
        )
        if found is not None:
            offsets = found
            total = max(o + s for o, s in zip(offsets, task.sizes, strict=True))
    return Packed(offsets, total, bound)


def pack_below(
    blocks: Sequence[Block], align: int, height: int, seconds: float
) -> list[int] | None:
    """Offsets below a height.

    Returns:
        None where there are none or none were found in time.
    """
    deadline = time.monotonic() + seconds
    task = _describe(blocks, align, {})
    total, offsets, _ = _greedy(task, blocks)
    if total <= height:
        return offsets
    return placement_below(task.sizes, task.pairs, height // align * align, deadline)


def _greedy(task: _Task, blocks: Sequence[Block]) -> tuple[int, list[int], list[int]]:
    """The better one of first fit by size and by time: total, offsets and order."""
    count = range(len(blocks))
    orders = (
        sorted(count, key=lambda i: (-blocks[i].nbytes, blocks[i].first)),
        sorted(count, key=lambda i: (blocks[i].first, -blocks[i].nbytes)),
    )
    found = ((*_first_fit(task, order), order) for order in orders)
    return min(found, key=lambda f: f[0])


def _describe(blocks: Sequence[Block], align: int, gaps: Gaps) -> _Task:
    """Every pair that is alive together, with its forbidden distances."""
    task = _Task([round_up(b.nbytes, align) for b in blocks], [])
    task.rivals = [[] for _ in blocks]
    alive: list[int] = []
    for j in sorted(range(len(blocks)), key=lambda i: blocks[i].first):
        alive = [i for i in alive if blocks[i].last >= blocks[j].first]
        for i in alive:
            found = gaps.get((i, j))
            if found is None and (j, i) in gaps:
                found = [gap.mirrored for gap in gaps[j, i]]
            if found is None:
                found = [Gap(-task.sizes[j], task.sizes[i])]
            for gap in found:
                if not gap.is_empty and task.sizes[i] and task.sizes[j]:
                    task.pairs.append(Pair(i, j, gap.low, gap.high))
                    task.rivals[j].append((i, gap.low, gap.high))
                    task.rivals[i].append((j, -gap.high, -gap.low))
        if blocks[j].last >= blocks[j].first:
            alive.append(j)
    return task


def _first_fit(task: _Task, order: Sequence[int]) -> tuple[int, list[int]]:
    """Total and offsets when every block takes the lowest place that is left."""
    offsets = [-1] * len(task.sizes)
    total = 0
    for index in order:
        taken = [
            (offsets[other] + low, offsets[other] + high)
            for other, low, high in task.rivals[index]
            if offsets[other] >= 0
        ]
        taken.sort()
        offset = 0
        for low, high in taken:
            if low >= offset:
                break
            offset = max(offset, high)
        offsets[index] = offset
        total = max(total, offset + task.sizes[index])
    return total, offsets


def _walk(
    task: _Task, order: list[int], total: int, offsets: list[int], bound: int, until: float
) -> tuple[int, list[int]]:
    """Move a block that touches the top to an earlier place in the order, again and again."""
    chance = random.Random(SEED)
    best = total, offsets
    while best[0] > bound and time.monotonic() < until:
        top = [i for i, o in enumerate(offsets) if o + task.sizes[i] == total]
        moved = order.copy()
        moved.remove(index := chance.choice(top))
        moved.insert(chance.randrange(order.index(index) + 1), index)
        if chance.random() < 0.5:
            a, b = chance.randrange(len(moved)), chance.randrange(len(moved))
            moved[a], moved[b] = moved[b], moved[a]
        found = _first_fit(task, moved)
        if found[0] <= total:
            total, offsets, order = *found, moved
            best = min(best, found, key=lambda f: f[0])
    return best
