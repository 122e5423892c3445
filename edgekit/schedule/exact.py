"""Exact packing: branch and bound over which of two blocks lies above the other.

For every pair that is alive together one of two difference constraints holds: ``to`` lies at least
``high`` above ``from``, or at most ``low`` above it. Decided pairs give each block a lowest and a
highest offset below a trial height (longest paths, kept up to date both ways); a pair of which
only one order is left is decided at once; when the lowest offsets satisfy every pair, they are the
answer. This is the disjunctive-graph method of shop scheduling (Carlier and Pinson, 1989) with
offsets for times. The smallest height is found by bisection between a proven bound and the best
placement known.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from edgekit.schedule.deadline import Deadline

FAILURES = 100
"""Failures before the search starts again with what it has learnt about hard pairs."""


class Pair(NamedTuple):
    """Offsets may not differ by more than ``low`` and less than ``high`` (to minus from)."""

    source: int
    target: int
    low: int
    high: int


class OutOfTimeError(Exception):
    """Neither a placement nor a proof that there is none was found in time."""


def lowest_height(
    sizes: Sequence[int],
    pairs: Sequence[Pair],
    *,
    low: int,
    high: int,
    align: int,
    deadline: Deadline,
) -> tuple[list[int] | None, int]:
    """The lowest placement below one that is known.

    Args:
        sizes: bytes of each block, multiples of ``align``.
        pairs: constraints, their distances multiples of ``align``.
        low: proven lower bound of the height.
        high: height of the placement that is known.
        align: alignment of every offset.
        deadline: when the search ends.

    Returns:
        Offsets of a lower placement, None where none was found; and the bound, raised as far as
        was proven.
    """
    best: list[int] | None = None
    trial, floor = low, low  # the search goes on above a height that it could not decide
    while floor < high:
        late = deadline.passed
        try:
            found = _Fit(sizes, pairs, trial, deadline.part(0.5)).run()
        except OutOfTimeError:
            floor = trial + align
            if late:
                break
        else:
            if found is None:
                low = trial + align if low == floor else low
                floor = trial + align
            else:
                best, high = found, max(o + s for o, s in zip(found, sizes, strict=True))
        trial = (floor + high) // 2 // align * align
    return best, low


def placement_below(
    sizes: Sequence[int], pairs: Sequence[Pair], height: int, deadline: Deadline
) -> list[int] | None:
    """Offsets below a height, all of the time spent on this one.

    Returns:
        None where there are none or none were found in time.
    """
    try:
        return _Fit(sizes, pairs, height, deadline).run()
    except OutOfTimeError:
        return None


class _Fit:
    """Is there a placement below a height?"""

    def __init__(
        self, sizes: Sequence[int], pairs: Sequence[Pair], height: int, deadline: Deadline
    ) -> None:
        self.pairs = pairs
        self.deadline = deadline
        count = len(sizes)
        self.lowest = [0] * count
        self.highest = [height - s for s in sizes]
        self.above: list[list[tuple[int, int]]] = [[] for _ in range(count)]
        self.below: list[list[tuple[int, int]]] = [[] for _ in range(count)]
        self.of: list[list[int]] = [[] for _ in range(count)]
        for index, pair in enumerate(pairs):
            self.of[pair.source].append(index)
            self.of[pair.target].append(index)
        self.open = set(range(len(pairs)))
        self.weight = [1] * len(pairs)
        self.trail: list[tuple[int, int, int]] = []  # what to restore: kind, index, old value
        self.dirty: list[int] = []

    def run(self) -> list[int] | None:
        """Offsets, or None as proof that there are none.

        Raises:
            OutOfTimeError: it was not decided before the deadline.
        """
        self.dirty = list(range(len(self.lowest)))
        if min(self.highest, default=0) < 0 or not self._propagate():
            return None
        start, limit = len(self.trail), FAILURES
        while True:
            answer = self._dive(limit)
            if answer is not None:
                return self.lowest if answer else None
            self._undo(start)
            limit = limit * 3 // 2

    def _dive(self, limit: int) -> bool | None:
        """Depth first until a placement (True), a proof (False) or too many failures (None)."""
        stack: list[tuple[int, int, bool]] = []  # where to come back to: trail, pair, other side
        failures = 0
        while (pair := self._most_urgent()) is not None:
            up = self._slack_up(self.pairs[pair]) >= self._slack_down(self.pairs[pair])
            stack.append((len(self.trail), pair, not up))
            consistent = self._decide(pair, up)
            while not consistent:
                failures += 1
                self.weight[pair] += 1
                if not stack:
                    return False
                if failures > limit:
                    return None
                mark, pair, up = stack.pop()
                self._undo(mark)
                consistent = self._decide(pair, up)
        return True

    def _slack_up(self, pair: Pair) -> int:
        return self.highest[pair.target] - self.lowest[pair.source] - pair.high

    def _slack_down(self, pair: Pair) -> int:
        return self.highest[pair.source] - self.lowest[pair.target] + pair.low

    def _most_urgent(self) -> int | None:
        """The open pair that the lowest offsets violate and that has least room for its weight.

        The weight of a pair is how often it failed (Boussemart et al., 2004). None: all are met.
        """
        best, least = None, 0.0
        pairs, lowest, highest, weight = self.pairs, self.lowest, self.highest, self.weight
        for index in self.open:  # most of the search is spent here
            source, target, low, high = pairs[index]
            distance = lowest[target] - lowest[source]
            if low < distance < high:
                up = highest[target] - lowest[source] - high
                down = highest[source] - lowest[target] + low
                room = (up + down) / weight[index]
                if best is None or room < least or (room == least and index < best):
                    best, least = index, room
        return best

    def _decide(self, index: int, up: bool) -> bool:
        """Fix one pair and draw the consequences; False where that leads nowhere."""
        self._fix(index, up)
        return self._propagate()

    def _fix(self, index: int, up: bool) -> None:
        pair = self.pairs[index]
        self.open.discard(index)
        self.trail.append((2, index, 0))
        low, high, distance = pair.source, pair.target, pair.high
        if not up:
            low, high, distance = pair.target, pair.source, -pair.low
        self.above[low].append((high, distance))
        self.below[high].append((low, distance))
        self.trail.append((3, low, high))
        self.dirty.append(low)
        self.dirty.append(high)

    def _propagate(self) -> bool:
        dirty, lowest, highest = self.dirty, self.lowest, self.highest
        while dirty:
            if self.deadline.passed:
                raise OutOfTimeError
            node = dirty.pop()
            at, limit = lowest[node], highest[node]
            for other, distance in self.above[node]:
                if at + distance > lowest[other]:
                    self.trail.append((0, other, lowest[other]))
                    lowest[other] = at + distance
                    if lowest[other] > highest[other]:
                        dirty.clear()
                        return False
                    dirty.append(other)
            for other, distance in self.below[node]:
                if limit - distance < highest[other]:
                    self.trail.append((1, other, highest[other]))
                    highest[other] = limit - distance
                    if lowest[other] > highest[other]:
                        dirty.clear()
                        return False
                    dirty.append(other)
            if not self._settle(node):
                dirty.clear()
                return False
        return True

    def _settle(self, node: int) -> bool:
        """Decide the open pairs of a block that have one order left; False where one has none."""
        for index in self.of[node]:
            if index in self.open:
                pair = self.pairs[index]
                up, down = self._slack_up(pair) >= 0, self._slack_down(pair) >= 0
                if not (up or down):
                    return False
                if up != down:
                    self._fix(index, up)
        return True

    def _undo(self, mark: int) -> None:
        while len(self.trail) > mark:
            kind, index, old = self.trail.pop()
            if kind == 0:
                self.lowest[index] = old
            elif kind == 1:
                self.highest[index] = old
            elif kind == 2:
                self.open.add(index)
            else:
                self.above[index].pop()
                self.below[old].pop()
