"""A fast scratchpad before a slow memory: what has to be moved when tasks run in a given order.

Inputs of the model come from the slow memory and outputs go there: that much is compulsory. Every
task needs all of its tensors in the scratchpad, each in one piece at a place of its own. What does
not fit meanwhile is spilled: stored once (what has a copy in the slow memory already is just
dropped), and loaded again, wherever there is room, for its next reader.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass, field

from edgekit.schedule.model import MemoryModel, bits

Price = Callable[[int, int, bool], float]
"""What it costs that a tensor leaves: from its bytes, the steps to its next use, and whether the
slow memory has a copy. The cheapest leave."""


def soon(nbytes: int, distance: int, copied: bool) -> float:
    """Moved bytes, less the later they are needed (after Belady, 1966)."""
    return nbytes * (1 if copied else 2) / distance


def sooner(nbytes: int, distance: int, copied: bool) -> float:
    """The same with more weight on when."""
    return nbytes * (1 if copied else 2) / distance**2


def plain(nbytes: int, distance: int, copied: bool) -> float:
    """Moved bytes alone."""
    return nbytes * (1 if copied else 2)


POLICIES: tuple[tuple[Price, int], ...] = tuple(
    (price, span) for price in (soon, sooner, plain) for span in (0, 6)
)
"""How to choose what leaves, and after how many steps a tensor counts as one that stays long: those
are placed from the other end (0: all from one end)."""


@dataclass
class Stay:
    """A tensor at a place of the scratchpad from step ``first`` on, loaded or made there."""

    tensor: int
    first: int
    offset: int
    loaded: bool


@dataclass
class Traffic:
    """What happens in an order.

    Attributes:
        order: the tasks.
        stays: in order of their beginning.
        stores: by step, tensors that are stored before its loads.
        scratch: by step, where the task's scratch lies.
        moved: bytes that are stored and loaded beyond what is compulsory.
    """

    order: tuple[int, ...]
    stays: list[Stay] = field(default_factory=list)
    stores: dict[int, list[int]] = field(default_factory=dict)
    scratch: dict[int, int] = field(default_factory=dict)
    moved: int = 0


class Scratchpad:
    """Simulates orders of a model's tasks.

    Args:
        model: tensors and tasks; nothing of it overlaps.
        capacity: bytes of the scratchpad.
    """

    def __init__(self, model: MemoryModel, capacity: int) -> None:
        self.capacity = capacity
        self.sizes = [t.size for t in model.tensors]
        self.data = [t.nbytes for t in model.tensors]  # what a move costs
        self.given = [t.writer is None for t in model.tensors]
        self.kept = [t.kept for t in model.tensors]
        self.readers = [t.readers for t in model.tensors]
        self.needs = [t.needs for t in model.tasks]
        self.reads = [t.reads for t in model.tasks]
        self.writes = [t.writes for t in model.tasks]
        self.scratch = [t.scratch_size for t in model.tasks]
        self.work = [
            sum(self.sizes[i] for i in {*t.reads, *t.writes}) + t.scratch_size for t in model.tasks
        ]

    def uses(self, order: Sequence[int]) -> list[list[int]]:
        """Steps in which each tensor is read, the first one last."""
        position = {task: i for i, task in enumerate(order)}
        return [sorted((position[t] for t in bits(r)), reverse=True) for r in self.readers]

    def simulate(
        self, order: Sequence[int], policy: tuple[Price, int], limit: int | None = None
    ) -> Traffic | None:
        """Run an order.

        Args:
            order: of every task.
            policy: one of `POLICIES`.
            limit: give up beyond so many bytes moved; None is returned then.
        """
        return _Run(self, order, *policy).work(limit)

    def belady(self, order: Sequence[int]) -> int:
        """Bytes moved where what is needed last leaves first (Belady, 1966) and every hole can be
        used: a baseline that need not place anything."""
        uses, copied = self.uses(order), self.given.copy()
        inside: set[int] = set()
        seen = set[int]()
        moved = 0
        for step, task in enumerate(order):
            wanted = {*self.reads[task], *self.writes[task]}
            entering = wanted - inside
            moved += sum(self.data[i] for i in entering & seen)  # an input's first load is free
            seen |= entering
            inside |= wanted
            excess = sum(self.sizes[i] for i in inside) + self.scratch[task] - self.capacity
            for tensor in sorted(inside - wanted, key=lambda t: -uses[t][-1]):
                if excess <= 0:
                    break
                inside.discard(tensor)
                excess -= self.sizes[tensor]
                moved += 0 if copied[tensor] else self.data[tensor]
                copied[tensor] = True
            for tensor in wanted:
                copied[tensor] |= self.kept[tensor]
                while uses[tensor] and uses[tensor][-1] <= step:
                    uses[tensor].pop()
                if not uses[tensor]:
                    inside.discard(tensor)
        return moved


SCRATCH = -1
"""Stands for a task's scratch among the tensors."""


class _Run:
    def __init__(self, pad: Scratchpad, order: Sequence[int], price: Price, span: int) -> None:
        self.pad, self.price, self.span = pad, price, span
        self.traffic = Traffic(tuple(order))
        self.uses = pad.uses(order)
        self.at: dict[int, int] = {}  # tensor -> offset
        self.copied = pad.given.copy()
        self.seen: set[int] = set()
        self.step = 0

    def work(self, limit: int | None) -> Traffic | None:
        pad, traffic = self.pad, self.traffic
        for self.step, task in enumerate(traffic.order):
            wanted = {*pad.reads[task], *pad.writes[task]}
            self._enter(task, wanted)
            for tensor in pad.writes[task]:
                self.copied[tensor] = pad.kept[tensor]  # an output is stored at once
            for tensor in wanted:
                uses = self.uses[tensor]
                while uses and uses[-1] <= self.step:
                    uses.pop()
                if not uses:
                    del self.at[tensor]
            if limit is not None and traffic.moved > limit:
                return None
        return traffic

    def _enter(self, task: int, wanted: set[int]) -> None:
        """Bring everything that a task needs to its place."""
        pad = self.pad
        sizes = {i: pad.sizes[i] for i in wanted}
        if pad.scratch[task]:
            sizes[SCRATCH] = pad.scratch[task]
        places = self._arrange(sizes)
        if places is None:  # the task's own tensors are in each other's way: all leave
            for tensor in list(self.at):
                self._drop(tensor)
            places, end = {}, 0
            for tensor, size in sizes.items():
                places[tensor] = end
                end += size
        self.traffic.scratch[self.step] = places.pop(SCRATCH, 0)
        for tensor, offset in places.items():
            loaded = tensor not in pad.writes[task]
            self.traffic.stays.append(Stay(tensor, self.step, offset, loaded))
            if tensor in self.seen:  # neither made now nor an input's first load
                self.traffic.moved += pad.data[tensor]
            self.seen.add(tensor)
            self.at[tensor] = offset

    def _arrange(self, sizes: dict[int, int]) -> dict[int, int] | None:
        """Places for what is not inside yet; what is in the way and not needed leaves."""
        entering = sorted((i for i in sizes if i not in self.at), key=lambda i: (-sizes[i], i))
        taken = {i: (o, o + self.pad.sizes[i]) for i, o in self.at.items()}
        out: list[int] = []
        places = {}
        for tensor in entering:
            size = sizes[tensor]
            offset = self._hole(tensor, size, taken)
            if offset is None:
                offset, leaving = self._clear(size, taken, sizes)
                if offset is None:
                    return None
                out += leaving
                for other in leaving:
                    del taken[other]
            places[tensor] = offset
            taken[tensor] = offset, offset + size
        for tensor in out:
            self._drop(tensor)
        return places

    def _hole(self, tensor: int, size: int, taken: dict[int, tuple[int, int]]) -> int | None:
        """The tightest hole; the highest one for tensors that stay long."""
        holes, end = [], 0
        for low, high in sorted(taken.values()):
            if low - end >= size:
                holes.append((low - end, end))
            end = max(end, high)
        if self.pad.capacity - end >= size:
            holes.append((self.pad.capacity - end, end))
        if not holes:
            return None
        uses = self.uses[tensor] if tensor != SCRATCH else []
        if self.span and uses and uses[0] - self.step > self.span:
            room, start = holes[-1]
            return start + room - size
        return min(holes)[1]

    def _clear(
        self, size: int, taken: dict[int, tuple[int, int]], needed: Collection[int]
    ) -> tuple[int | None, list[int]]:
        """The place that is cheapest to clear, and what leaves; None where there is none."""
        blocks = sorted((low, high, i) for i, (low, high) in taken.items())
        prices, fixed = [0.0], [0]  # of all blocks before
        for _, _, i in blocks:
            stays = i in needed
            prices.append(prices[-1] + (0.0 if stays else self._price(i)))
            fixed.append(fixed[-1] + stays)
        last = self.pad.capacity - size
        starts = {0, last, *(high for _, high, _ in blocks), *(low - size for low, _, _ in blocks)}
        best: tuple[float, int, int, int] | None = None
        first = end = 0  # the blocks that lie over the place
        for start in sorted(s for s in starts if 0 <= s <= last):
            while first < len(blocks) and blocks[first][1] <= start:
                first += 1
            while end < len(blocks) and blocks[end][0] < start + size:
                end += 1
            cost = prices[end] - prices[first]
            if fixed[end] == fixed[first] and (best is None or cost < best[0]):
                best = cost, start, first, end
        if best is None:
            return None, []
        return best[1], [i for _, _, i in blocks[best[2] : best[3]]]

    def _price(self, tensor: int) -> float:
        distance = self.uses[tensor][-1] - self.step
        return self.price(self.pad.data[tensor], distance, self.copied[tensor])

    def _drop(self, tensor: int) -> None:
        del self.at[tensor]
        if not self.copied[tensor]:
            self.copied[tensor] = True
            self.traffic.stores.setdefault(self.step, []).append(tensor)
            self.traffic.moved += self.pad.data[tensor]
