"""What an order moves between a scratchpad and a slow memory where every hole can be used.

Without places a step is so cheap that thousands of orders can be looked at in a second: the tensors
inside and those with a copy are bit masks, what is known after each step is kept, and a changed
order is run only from its first change to where it meets the old one again. The search over orders
is simulated annealing (Kirkpatrick et al., 1983) whose moves bring a task forward together with
what it waits for, or back together with what waits for it, so that every move is allowed.
"""

from __future__ import annotations

import copy
import math
import random
from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

from edgekit.schedule.deadline import Deadline
from edgekit.schedule.model import bits
from edgekit.schedule.scratchpad import Scratchpad, Stay, Traffic

CHECK = 32
"""Moves between two looks at the clock."""
NEAR, REACH = 0.7, 8.0
"""Part of the moves that go only a few places, and how many those go on average."""


class Point(NamedTuple):
    """What is known between two steps.

    Attributes:
        moved: bytes so far, the loads of what was spilled and is needed again included.
        inside, copied: masks of tensors in the scratchpad, and of those with a copy elsewhere.
        done: mask of the tasks that have run.
        size: bytes of the tensors inside.
    """

    moved: int
    inside: int
    copied: int
    done: int
    size: int


@dataclass(frozen=True)
class Track:
    """An order that was run.

    Attributes:
        order: the tasks.
        position: of each task in the order.
        points: before each step, and after the last one.
    """

    order: list[int]
    position: list[int]
    points: list[Point]

    @property
    def moved(self) -> int:
        """Bytes beyond what is compulsory."""
        return self.points[-1].moved


class Volume:
    """Runs orders of a model's tasks.

    Args:
        pad: the model's tensors and tasks.
        capacity: bytes of the scratchpad.
    """

    def __init__(self, pad: Scratchpad, capacity: int) -> None:
        self.pad, self.capacity = pad, capacity
        count = len(pad.needs)
        self._touched = [tuple({*r, *w}) for r, w in zip(pad.reads, pad.writes, strict=True)]
        self._wanted = [sum(1 << i for i in touched) for touched in self._touched]
        self._kept = [sum(1 << i for i in task if pad.kept[i]) for task in pad.writes]
        self._readers = [tuple(bits(readers)) for readers in pad.readers]
        self._before = list(pad.needs)  # with all that comes before
        for task in range(count):
            for needed in bits(pad.needs[task]):
                self._before[task] |= self._before[needed]
        self._after = [0] * count
        for task in reversed(range(count)):
            for needed in bits(pad.needs[task]):
                self._after[needed] |= self._after[task] | 1 << task
        given = sum(1 << i for i, own in enumerate(pad.given) if own)
        self._first = Point(0, 0, given, 0, 0)

    def within(self, capacity: int) -> Volume:
        """The same with another capacity."""
        other = copy.copy(self)
        other.capacity = capacity
        return other

    def run(self, order: Sequence[int]) -> Track:
        """Run an order from the start."""
        position = [0] * len(order)
        for step, task in enumerate(order):
            position[task] = step
        points = [self._first]
        for step, task in enumerate(order):
            points.append(self._step(points[-1], task, step, position))
        return Track(list(order), position, points)

    def anneal(self, track: Track, heat: float, enough: int, deadline: Deadline) -> Track:
        """A walk over orders that may also take what is a little worse, less and less so.

        Args:
            track: where to start.
            heat: how many bytes worse at first, as a part of those moved.
            enough: bytes with which the walk may end.
            deadline: when it has to.
        """
        chance = random.Random(len(track.order))
        best, whole, count = track, max(deadline.left, 1e-9), 0
        bytes_worse = heat * best.moved
        while best.moved > enough:
            if count % CHECK == 0:
                left = deadline.left
                if not left:
                    break
                bytes_worse = heat * best.moved * 0.05 ** (1 - left / whole)
            count += 1
            limit = track.moved - int(bytes_worse * math.log(chance.random() or 1.0))
            trial = self._moved(track, chance, limit)
            if trial is not None:
                track = trial
                best = track if track.moved < best.moved else best
        return best

    def _moved(self, track: Track, chance: random.Random, limit: int) -> Track | None:
        """The order with one task elsewhere; None where that moves more than the limit."""
        order = track.order
        count = len(order)
        old = chance.randrange(count)
        if chance.random() < NEAR:
            distance = 1 + int(chance.expovariate(1 / REACH))
            new = old + (distance if chance.random() < 0.5 else -distance)
            new = min(max(new, 0), count - 1)
        else:
            new = chance.randrange(count)
        task, low, high = order[old], min(old, new), max(old, new)
        with_it = (self._before if new < old else self._after)[task] | 1 << task
        span = order[low : high + 1]
        together = [t for t in span if with_it >> t & 1]
        others = [t for t in span if not with_it >> t & 1]
        changed = together + others if new < old else others + together
        if changed == span:
            return None
        return self._rerun(track, low, changed, limit)

    def _rerun(self, track: Track, low: int, changed: list[int], limit: int) -> Track | None:
        """Run an order again that was changed from position ``low`` on."""
        high = low + len(changed)
        order = [*track.order[:low], *changed, *track.order[high:]]
        position = track.position.copy()
        for step in range(low, high):
            position[order[step]] = step
        old, points = track.points, track.points[: low + 1]
        for step in range(low, len(order)):
            point = self._step(points[-1], order[step], step, position)
            if point.moved > limit:
                return None
            points.append(point)
            known = old[step + 1]
            if step >= high - 1 and point[1:3] == known[1:3]:  # from here on as before
                more = point.moved - known.moved
                if old[-1].moved + more > limit:
                    return None
                points += [Point(p[0] + more, *p[1:]) for p in old[step + 2 :]]
                break
        return Track(order, position, points)

    def _step(self, point: Point, task: int, step: int, position: Sequence[int]) -> Point:
        """Run one task; what is needed last leaves first, twice as far where it has a copy."""
        moved, inside, copied, done, size = point
        pad, wanted, touched = self.pad, self._wanted[task], self._touched[task]
        sizes = pad.sizes
        entering = wanted & ~inside
        inside |= wanted
        for tensor in touched:
            if entering >> tensor & 1:
                size += sizes[tensor]
        room = self.capacity - pad.scratch[task]
        if size > room:
            ranked = []
            for tensor in bits(inside & ~wanted):
                distance = min([p for r in self._readers[tensor] if (p := position[r]) > step])
                ranked.append(((step - distance) << (copied >> tensor & 1), tensor))
            for _, tensor in sorted(ranked):
                moved += pad.data[tensor] * (1 if copied >> tensor & 1 else 2)
                inside ^= 1 << tensor
                copied |= 1 << tensor
                size -= sizes[tensor]
                if size <= room:
                    break
        copied |= self._kept[task]
        done |= 1 << task
        for tensor in touched:
            if not pad.readers[tensor] & ~done:
                inside ^= 1 << tensor
                size -= sizes[tensor]
        return Point(moved, inside, copied, done, size)

    def traffic(self, track: Track) -> tuple[Traffic, list[int]]:
        """What happens in an order, everything at offset 0; and the last step of each stay.

        What leaves before its next use leaves right after the one before: that is easier to pack.
        """
        found, last = Traffic(tuple(track.order), moved=track.moved), list[int]()
        stay: dict[int, int] = {}  # of each tensor, the latest
        for step, task in enumerate(track.order):
            (_, old, copied, *_), (_, new, *_) = track.points[step : step + 2]
            wanted = self._wanted[task]
            for tensor in bits(old & ~new & ~wanted & ~copied):
                found.stores.setdefault(last[stay[tensor]] + 1, []).append(tensor)
            for tensor in bits(wanted & ~old):
                stay[tensor] = len(last)
                last.append(step)
                found.stays.append(Stay(tensor, step, 0, tensor not in self.pad.writes[task]))
            for tensor in bits(wanted):
                last[stay[tensor]] = step
        return found, last
