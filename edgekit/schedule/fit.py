"""A plan that fits a given RAM with the least extra work, and the front of RAM against work.

Every stage that could be executed in strips has a peak and a cost of its own
(`edgekit.schedule.stages`). A plan chooses stages that do not overlap, so that every task whose
need exceeds the limit is inside one that does not; a dynamic program over the order finds the
cheapest choice among all stages known. Stages around the tasks that need most are looked at
first, short ones before long ones, coarse strips before fine ones.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace

from edgekit.schedule.deadline import Deadline
from edgekit.schedule.rolling import Carry
from edgekit.schedule.stages import CARRIES, Choice, Stages

HASTE = 10
"""Ranges that one counts for once there is a choice."""
LOOKS = 40
"""Ranges that are looked at for one limit."""
PACKING = 0.3
"""Seconds for placing a stage."""
FINER = 3
"""Numbers of strips that are tried from the first that may do."""
FREE = CARRIES[:2]
"""Ways of carrying rows that compute nothing twice; they are tried first."""
GUESSES = 3
"""Estimates that are followed until strips of a stage are within the limit."""
LONGEST = 24
"""Tasks of a stage at most."""


@dataclass(frozen=True)
class Mix:
    """Stages that are executed in strips.

    Attributes:
        choices: in order; none overlaps another.
        peak: largest need, in bytes.
        extra_macs, work: what they add.
    """

    choices: tuple[Choice, ...]
    peak: int

    @property
    def extra_macs(self) -> int:
        """Multiply-accumulates that they add."""
        return sum(c.extra_macs for c in self.choices)

    def cost(self) -> tuple[int, int, int, int]:
        """What makes one choice better than another, the most important first."""
        return self.extra_macs, self.work, len(self.choices), self.peak

    @property
    def work(self) -> int:
        """Further instructions, about."""
        return sum(c.work for c in self.choices)


class Fitter:
    """Choices of stages for one graph.

    Args:
        stages: the graph's stages.
        deadline: what is known then is used.
    """

    def __init__(self, stages: Stages, deadline: Deadline) -> None:
        self.stages, self.deadline = stages, deadline
        self.table: dict[tuple[int, int], list[Choice]] = {}
        self._places: dict[Choice, int] = {}  # bytes in which it was placed

    def fit(self, limit: int) -> Mix | None:
        """The cheapest stages whose needs are within a limit; None where none were found."""
        if max(self.stages.floor, *self.unable(), 0) > limit:
            return None
        best = self._packable(limit)
        if best is not None and not best.extra_macs:
            return best
        for carries in (FREE, CARRIES[len(FREE) :]):
            looks = LOOKS
            for first, last in self._ranges(limit):
                if looks <= 0 or self.deadline.passed:
                    break
                looks -= 1 if best is None else HASTE
                found = [self._look_at(first, last, limit, carry) for carry in carries]
                if any(found):
                    best = self._packable(limit)
            if best is not None and not best.extra_macs:
                break
        return best

    def _packable(self, limit: int) -> Mix | None:
        """The cheapest choice of which every stage was placed within the limit, on its own."""
        while (best := self.cheapest(limit)) is not None:
            wrong = [c for c in best.choices if self._packed(c, limit) > limit]
            for choice in wrong:
                known = self.table[choice.first, choice.last]
                known[known.index(choice)] = replace(choice, peak=self._places[choice])
            if not wrong:
                break
        return best

    def _packed(self, choice: Choice, limit: int) -> int:
        if self._places.get(choice, limit + 1) > limit:
            end = self.deadline.within(PACKING)
            self._places[choice] = self.stages.packed(choice, limit, end)
        return self._places[choice]

    def unable(self) -> list[int]:
        """Needs of tasks that cannot be executed in strips."""
        pairs = zip(self.stages.needs, self.stages.able, strict=True)
        return [need for need, able in pairs if not able]

    def cheapest(self, limit: int) -> Mix | None:
        """The cheapest choice among the stages known: a shortest path over the order.

        Between two stages a task is whole: stages that follow each other at once would push their
        tensors through the arena, which costs more than either says.
        """
        ends: dict[int, list[Choice]] = {}
        for choices in self.table.values():
            for c in choices:
                if c.peak <= limit:
                    ends.setdefault(c.last, []).append(c)
        plain: list[Mix | None] = [Mix((), self.stages.floor)]  # after each task, that one whole
        best = list(plain)  # or not
        for task, need in enumerate(self.stages.needs):
            before = best[task]
            whole = before if need <= limit else None
            plain.append(whole and Mix(whole.choices, max(whole.peak, need)))
            options = [plain[-1]]
            for c in ends.get(task, ()):
                start = plain[c.first]
                options.append(start and Mix((*start.choices, c), max(start.peak, c.peak)))
            found = [m for m in options if m is not None]
            best.append(min(found, key=Mix.cost, default=None))
        return best[-1]

    def _ranges(self, limit: int) -> Iterator[tuple[int, int]]:
        """Stages that hold tasks which need too much; those that hold all neighbours first."""
        stages = self.stages
        hot = [i for i, need in enumerate(stages.needs) if need > limit]
        found = set()
        for task in hot:
            for first in range(task, max(-1, task - LONGEST), -1):
                if not stages.able[first]:
                    break
                for last in range(task, min(first + LONGEST, len(stages.needs))):
                    if not stages.able[last]:
                        break
                    if max(stages.before[first], stages.before[last + 1]) <= limit:
                        found.add((first, last))
        groups = _groups(hot)

        def rank(span: tuple[int, int]) -> tuple[int, int, int]:
            cut = sum(a < span[0] <= b or a <= span[1] < b for a, b in groups)
            return cut, span[1] - span[0], span[0]

        yield from sorted(found, key=rank)

    def _look_at(self, first: int, last: int, limit: int, carry: Carry) -> bool:
        """Find the coarsest strips of a stage that are within the limit, and some finer ones, which
        may suit kernels better; True where there are any.

        Finer strips are taken to need less, and estimates to be wrong by about the same amount.
        """
        ladder = self.stages.strips(last)
        goal = limit
        for _ in range(GUESSES):
            at = self._coarsest(first, last, ladder, carry, goal)
            if at is None:
                break
            for i in range(at, min(at + FINER, len(ladder))):
                if self._try(first, last, ladder[i], carry) <= limit:
                    for finer in ladder[i + 1 : i + FINER]:
                        self._try(first, last, finer, carry)
                    return True
            excess = self._try(first, last, ladder[at], carry) - limit
            goal = self.stages.estimate(first, last, ladder[at], carry) - excess
        return False

    def _coarsest(
        self, first: int, last: int, ladder: list[int], carry: Carry, goal: int
    ) -> int | None:
        """Position of the first number of strips whose estimate is within a goal."""

        def may(at: int) -> bool:
            return self.stages.estimate(first, last, ladder[at], carry) <= goal

        high = len(ladder) - 1
        options = [i for i in (high, high // 2) if may(i)]
        if not options:
            return None
        low, high = -1, min(options)
        while high - low > 1:
            middle = (low + high) // 2
            if may(middle):
                high = middle
            else:
                low = middle
        return high

    def _try(self, first: int, last: int, strips: int, carry: Carry) -> int:
        """Take up a choice; returns its peak."""
        known = self.table.setdefault((first, last), [])
        choice = self.stages.choice(first, last, strips, carry)
        if all(choice.stage != other.stage for other in known):
            known.append(choice)
        return choice.peak


def _groups(tasks: list[int]) -> list[tuple[int, int]]:
    """Runs of neighbouring tasks."""
    groups: list[tuple[int, int]] = []
    for task in tasks:
        if groups and task - groups[-1][1] <= 2:
            groups[-1] = (groups[-1][0], task)
        else:
            groups.append((task, task))
    return groups
