"""Orders for a scratchpad before a slow memory: a few sets of executed tasks side by side.

Of each set only the way that moves the fewest bytes is kept, with what is in the scratchpad then.
Places are left out.
"""

from __future__ import annotations

import heapq
from typing import Any, NamedTuple

from edgekit.schedule.deadline import Deadline
from edgekit.schedule.model import MemoryModel, bits
from edgekit.schedule.scratchpad import Scratchpad, soon
from edgekit.schedule.space import Space


class _Point(NamedTuple):
    """A set of executed tasks and what is where.

    Attributes:
        cost: bytes moved, the loads of what was spilled and is needed again included.
        live: bytes of what is needed later, wherever it is.
        done, ready: masks of tasks.
        inside, copied: masks of tensors in the scratchpad, and of those with a copy elsewhere.
        path: the tasks in reverse.
    """

    cost: int
    live: int
    done: int
    ready: int
    inside: int
    copied: int
    path: tuple[int, Any] | None


class Beam:
    """A few sets of executed tasks side by side."""

    def __init__(self, model: MemoryModel, pad: Scratchpad, width: int) -> None:
        self.pad, self.width = pad, width
        space = Space(model)
        self.space = space
        self.before = list(space.needs)  # with all that comes before
        for i in range(len(self.before)):
            for p in bits(space.needs[i]):
                self.before[i] |= self.before[p]
        given = sum(1 << i for i, own in enumerate(pad.given) if own)
        self.first = _Point(0, 0, 0, space.first().ready, 0, given, None)

    def search(self, deadline: Deadline) -> tuple[int, ...] | None:
        """An order; None where time ran out."""
        front = [self.first]
        for _ in self.before:
            if deadline.passed:
                return None
            found: dict[int, _Point] = {}
            for point in front:
                for task in bits(point.ready):
                    made = self._follow(point, task)
                    known = found.get(made.done)
                    if known is None or made[:2] < known[:2]:
                        found[made.done] = made
            front = heapq.nsmallest(self.width, found.values(), key=lambda p: p[:2])
        order, path = [], front[0].path
        while path is not None:
            task, path = path
            order.append(task)
        return tuple(reversed(order))

    def _follow(self, point: _Point, task: int) -> _Point:
        pad = self.pad
        wanted = sum(1 << i for i in {*pad.reads[task], *pad.writes[task]})
        cost, inside, copied = self._evict(point, task, wanted)
        done = point.done | 1 << task
        live = point.live
        inside |= wanted
        for tensor in pad.writes[task]:
            live += pad.sizes[tensor]
            if pad.kept[tensor]:
                copied |= 1 << tensor
        for tensor in {*pad.reads[task], *pad.writes[task]}:
            if not pad.readers[tensor] & ~done:
                inside &= ~(1 << tensor)
                live -= 0 if pad.given[tensor] else pad.sizes[tensor]
        ready = point.ready ^ 1 << task
        for user in self.space.users[task]:
            if not self.space.needs[user] & ~done:
                ready |= 1 << user
        return _Point(cost, live, done, ready, inside, copied, (task, point.path))

    def _evict(self, point: _Point, task: int, wanted: int) -> tuple[int, int, int]:
        """Make room: cost, and what is inside and copied then."""
        pad, cost, inside, copied = self.pad, point.cost, point.inside, point.copied
        held = sum(pad.sizes[t] for t in bits(inside & ~wanted))
        excess = held + pad.work[task] - pad.capacity
        if excess <= 0:
            return cost, inside, copied
        later = ~(point.done | 1 << task)

        def rank(tensor: int) -> tuple[float, int]:
            readers = bits(pad.readers[tensor] & later)
            distance = min((self.before[r] & later).bit_count() for r in readers)
            return soon(pad.data[tensor], distance + 1, bool(copied >> tensor & 1)) / max(
                pad.sizes[tensor], 1
            ), tensor

        for tensor in sorted(bits(inside & ~wanted), key=rank):
            inside &= ~(1 << tensor)
            cost += pad.data[tensor] * (1 if copied >> tensor & 1 else 2)
            copied |= 1 << tensor
            excess -= pad.sizes[tensor]
            if excess <= 0:
                break
        return cost, inside, copied
