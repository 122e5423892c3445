"""Offsets for blocks with live ranges: first fit in several orders, improved, then exact.

Method of the start: "Efficient Memory Management for Deep Neural Net Inference" (Pisarchyk and
Lee, 2020), greedy by size, and the same first fit in order of time. What comes after can only
improve on it: a random walk over orders with a fixed seed, then `edgekit.schedule.exact`.
"""

from __future__ import annotations

import random
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from edgekit.schedule.deadline import Deadline
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
    """What is to be packed.

    Attributes:
        sizes: of the blocks, rounded up.
        meets: a block, and those that are alive when it begins.
        plain: by block, those that it may share no byte with.
        gaps: by block, the others: which one, and the distances to it between which this block may
            not lie.
    """

    sizes: list[int]
    meets: list[tuple[int, list[int]]]
    plain: list[list[int]]
    gaps: list[list[tuple[int, int, int]]]

    def pairs(self) -> list[Pair]:
        """Every pair that is alive together; there can be many more than blocks."""
        found = []
        for j, alive in self.meets:
            size, plain = self.sizes[j], set(self.plain[j])
            gaps: dict[int, list[tuple[int, int]]] = {}
            for i, low, high in self.gaps[j]:
                gaps.setdefault(i, []).append((low, high))
            for i in alive:
                own = [(-size, self.sizes[i])] if i in plain else gaps.get(i, ())
                found += [Pair(i, j, low, high) for low, high in own]
        return found


def pack(
    blocks: Sequence[Block],
    align: int,
    gaps: Gaps | None = None,
    *,
    bound: int = 0,
    deadline: Deadline | None = None,
) -> Packed:
    """Offsets so that blocks alive at the same step do not overlap.

    Args:
        blocks: any number, any order.
        align: alignment of every offset in bytes.
        gaps: forbidden distances for pairs ``(from, to)`` that may overlap in part, multiples of
            ``align``; none at all where they are always apart.
        bound: bytes that are known to be necessary; a placement that reaches it ends the search.
        deadline: until when first fit is improved on; None gives first fit alone.
    """
    task = _describe(blocks, align, gaps or {})
    bound = max([bound, *task.sizes])
    total, offsets, order = _greedy(task, blocks)
    if total > bound and deadline is not None:
        until = deadline.part(WALK_SHARE)
        total, offsets = _walk(task, order, total, offsets, bound, until)
    if total > bound and deadline is not None and not deadline.passed:
        found, bound = lowest_height(
            task.sizes, task.pairs(), low=bound, high=total, align=align, deadline=deadline
        )
        if found is not None:
            offsets = found
            total = max(o + s for o, s in zip(offsets, task.sizes, strict=True))
    return Packed(offsets, total, bound)


def pack_below(
    blocks: Sequence[Block], align: int, height: int, deadline: Deadline
) -> list[int] | None:
    """Offsets below a height.

    Returns:
        None where there are none or none were found in time.
    """
    task = _describe(blocks, align, {})
    total, offsets, _ = _greedy(task, blocks)
    if total <= height:
        return offsets
    return placement_below(task.sizes, task.pairs(), height // align * align, deadline)


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
    """Which blocks are alive together, and the distances that they may not have."""
    sizes = [round_up(b.nbytes, align) for b in blocks]
    task = _Task(sizes, [], [[] for _ in blocks], [[] for _ in blocks])
    special: list[dict[int, Sequence[Gap]]] = [{} for _ in blocks]
    for (i, j), found in gaps.items():
        special[i][j] = found
        special[j][i] = [gap.mirrored for gap in found]
    alive: list[int] = []
    for j in sorted((i for i, size in enumerate(sizes) if size), key=lambda i: blocks[i].first):
        first, own = blocks[j].first, special[j]
        alive = [i for i in alive if blocks[i].last >= first]
        task.meets.append((j, alive))
        task.plain[j] = [i for i in alive if i not in own] if own else alive.copy()
        for i in task.plain[j]:
            task.plain[i].append(j)
        for i in alive if own else ():
            for gap in own.get(i, ()):
                if not gap.is_empty:
                    task.gaps[i].append((j, gap.low, gap.high))
                    task.gaps[j].append((i, -gap.high, -gap.low))
        if blocks[j].last >= first:
            alive = [*alive, j]  # the old list is kept
    return task


def _first_fit(task: _Task, order: Sequence[int]) -> tuple[int, list[int]]:
    """Total and offsets when every block takes the lowest place that is left."""
    sizes = task.sizes
    offsets = [-1] * len(sizes)
    total = 0
    for index in order:
        size = sizes[index]
        taken = [(o - size, o + sizes[i]) for i in task.plain[index] if (o := offsets[i]) >= 0]
        for other, low, high in task.gaps[index]:
            if offsets[other] >= 0:
                taken.append((offsets[other] + low, offsets[other] + high))
        taken.sort()
        offset = 0
        for low, high in taken:
            if low >= offset:
                break
            offset = max(offset, high)
        offsets[index] = offset
        total = max(total, offset + size)
    return total, offsets


def _walk(
    task: _Task, order: list[int], total: int, offsets: list[int], bound: int, until: Deadline
) -> tuple[int, list[int]]:
    """Move a block that touches the top to an earlier place in the order, again and again."""
    chance = random.Random(SEED)
    best = total, offsets
    while best[0] > bound and not until.passed:
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
