"""Which blocks stay in a small memory, so that the fewest bytes are moved outside it.

Branch and bound: at a step that needs more than there is, one of its blocks has to leave. What must
leave at a step at least is a fractional knapsack (Dantzig, 1957), and so is the bound of a branch;
what stays at last is packed.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import NamedTuple

from edgekit.schedule.deadline import Deadline
from edgekit.schedule.packing import Packed


class Item(NamedTuple):
    """A block: its bytes, the first and last step that need it, and what moving it out costs."""

    size: int
    first: int
    last: int
    cost: int


class Shared(NamedTuple):
    """Bytes that two blocks can have in common at a step, while both stay."""

    step: int
    source: int
    target: int
    saving: int


@dataclass(frozen=True)
class Chosen:
    """What leaves.

    Attributes:
        out: indices of blocks, the rest stays.
        packed: places of those that stay, in the order of their indices.
        cost: of those that leave.
        bound: no choice costs less.
    """

    out: frozenset[int]
    packed: Packed
    cost: int
    bound: int


Packer = Callable[[Sequence[int]], Packed]


def choose(
    items: Sequence[Item], shared: Sequence[Shared], room: int, pack: Packer, deadline: Deadline
) -> Chosen:
    """Choose what stays below ``room`` bytes at the smallest cost of what does not.

    Args:
        items: blocks with their live ranges.
        shared: where two of them can overlap.
        room: bytes of the memory.
        pack: places blocks, given by index.
        deadline: afterwards the best choice so far is returned.
    """
    search = _Search(items, shared, room, pack, deadline)
    search.run(frozenset(), frozenset(), 0)
    return search.result()


class _Search:
    def __init__(
        self,
        items: Sequence[Item],
        shared: Sequence[Shared],
        room: int,
        pack: Packer,
        deadline: Deadline,
    ) -> None:
        self.items, self.shared, self.room = items, shared, room
        self.pack, self.deadline = pack, deadline
        every = frozenset(range(len(items)))
        self.best = Chosen(every, pack([]), sum(i.cost for i in items), 0)
        self.least: int | None = None  # bound of everything, before the first branch
        self.open: list[int] = []  # costs of branches that were left undecided
        self.stay: dict[int, list[int]] = {}
        for index, item in enumerate(items):
            for step in range(item.first, item.last + 1):
                self.stay.setdefault(step, []).append(index)

    def result(self) -> Chosen:
        best = self.best
        bound = min([best.cost, *self.open])
        return Chosen(best.out, best.packed, best.cost, max(bound, min(self.least or 0, best.cost)))

    def run(self, out: frozenset[int], kept: frozenset[int], cost: int) -> None:
        """Everything that leaves ``out`` outside and ``kept`` inside."""
        bound, candidates = self._worst(out, kept)
        if self.least is None:
            self.least = bound
        if cost + bound >= self.best.cost:
            return
        if self.deadline.passed:
            self.open.append(cost + bound)
            return
        if not candidates:
            candidates = self._place(out, kept, cost)
        for index in candidates:
            if self.deadline.passed:
                self.open.append(cost + bound)  # holds for the other candidates too
                return
            self.run(out | {index}, kept, cost + self.items[index].cost)
            kept |= {index}

    def _place(self, out: frozenset[int], kept: frozenset[int], cost: int) -> list[int]:
        """Pack what stays; where that fails, whatever may leave instead."""
        stay = [i for i in range(len(self.items)) if i not in out]
        packed = self.pack(stay)
        if packed.total <= self.room:
            self.best = Chosen(out, packed, cost, 0)
            return []
        if packed.bound <= self.room:
            self.open.append(cost)  # it may fit after all
        return sorted((i for i in stay if i not in kept), key=self._rate)

    def _rate(self, index: int) -> tuple[float, int]:
        return self.items[index].cost / max(self.items[index].size, 1), index

    def _worst(self, out: frozenset[int], kept: frozenset[int]) -> tuple[int, list[int]]:
        """The largest cost that one step still asks for, and the blocks that may leave there.

        A step without enough blocks that may leave asks for more than everything costs.
        """
        worst, found = 0, list[int]()
        for step, present in self.stay.items():
            inside = [i for i in present if i not in out]
            excess = sum(self.items[i].size for i in inside) - self.room
            if excess <= 0:
                continue
            excess -= self._saved(step, out)
            if excess <= 0:
                continue
            free = sorted((i for i in inside if i not in kept), key=self._rate)
            asked = self._cover(free, excess)
            if asked > worst or not found:
                worst, found = asked, free
        return worst, found

    def _saved(self, step: int, out: frozenset[int]) -> int:
        by_target: dict[int, int] = {}
        for s in self.shared:
            if s.step == step and s.source not in out and s.target not in out:
                by_target[s.target] = by_target.get(s.target, 0) + s.saving
        return sum(min(v, self.items[t].size) for t, v in by_target.items())

    def _cover(self, free: Sequence[int], excess: int) -> int:
        """Least cost of leaving blocks of so many bytes, the last one in part."""
        cost = 0.0
        for index in free:
            item = self.items[index]
            if not item.size:
                continue
            part = min(1.0, excess / item.size)
            cost += part * item.cost
            excess -= item.size
            if excess <= 0:
                return -int(-cost // 1)
        return sum(i.cost for i in self.items) + 1
