"""The order of execution with the smallest peak, proven where time allows.

A depth-first search over sets of executed tasks. It never lets the need of a task exceed a
threshold; when everything below the threshold has been seen, the threshold rises to the smallest
need that was turned away, and the search goes on from there, so that no set is entered twice. The
threshold is at every moment a proven lower bound.

Two rules keep it short. A chain of tasks that fits below the threshold and ends with no more bytes
alive than at any point before is run at once: it can be moved to the front of every continuation,
because the more has run, the more a task frees. And the graph is cut at tasks that every other one
precedes or follows. Both keep the search exact. Related: Serenity (Ahn et al., MLSys 2020), which
uses dynamic programming over the same sets, and Liu's hill-valley argument for trees (1987).
"""

from __future__ import annotations

import heapq
from collections.abc import Sequence
from dataclasses import dataclass

from edgekit.schedule.deadline import Deadline
from edgekit.schedule.model import MemoryModel, bits
from edgekit.schedule.space import Space, State

STATES = 1_500_000
"""Sets kept at most, about 400 MB; beyond that the search stops with the bound that it has."""
CHAIN = 32
"""Longest chain that is tried as a whole."""
BEAMS = (1, 24)
"""States kept side by side where the search ran out of time, one after the other."""
EXACT_SHARE, BEAM_SHARE = 0.75, 0.5
"""Parts of the time that is left for the exact search and, where it does not end, for the beam; the
rest is for generous thresholds."""
PARTS = 8
"""Thresholds that are then tried between the bound and the best order known."""
CHECK = 16
"""States between two looks at the clock."""


@dataclass(frozen=True)
class Ordered:
    """An order and what is known of it.

    Attributes:
        order: task indices.
        peak: its largest need in bytes.
        bound: bytes that every order needs.
    """

    order: tuple[int, ...]
    peak: int
    bound: int


def best_order(model: MemoryModel, deadline: Deadline) -> Ordered:
    """Search for the order with the smallest peak.

    Args:
        model: the graph's memory model.
        deadline: when the search ends; the given order is kept where it is already optimal.

    Returns:
        The best order found; ``peak == bound`` where it is proven optimal.
    """
    space = Space(model)
    level = space.bound
    state, parts = space.first(), []
    for mask in space.segments():
        given = tuple(bits(mask))
        peak, after = space.walk(state, given)
        parts.append((peak, state, given))
        state = after
    largest = level
    chosen: dict[int, tuple[int, ...]] = {}
    # The hardest parts last: what the easy ones prove spares work there.
    for place in sorted(range(len(parts)), key=lambda p: parts[p][0]):
        peak, entry, order = parts[place]
        if peak > level and not deadline.passed:
            order, level = _search_segment(space, entry, order, level, deadline)
            peak, _ = space.walk(entry, order)
        chosen[place] = order
        largest = max(largest, peak)
    return Ordered(tuple(t for p in range(len(parts)) for t in chosen[p]), largest, level)


def _search_segment(
    space: Space, entry: State, given: tuple[int, ...], level: int, deadline: Deadline
) -> tuple[tuple[int, ...], int]:
    """The best order of a segment and a proven bound; exact where time allows."""
    exact = _Search(space, entry, given, level)
    order = exact.run(deadline.part(EXACT_SHARE))
    if order is not None:
        return order, exact.level
    bound = exact.level
    del exact  # and its sets, before more are collected
    order, end = given, deadline.part(BEAM_SHARE)
    peak, _ = space.walk(entry, order)
    for width in BEAMS:
        beam = _beam(space, entry, entry.done | _mask(given), width, end)
        if beam and (need := space.walk(entry, beam)[0]) < peak:
            order, peak = beam, need
    for part in range(1, PARTS):
        # An order below a generous threshold is found fast; one at the bound was not.
        if deadline.passed:
            break
        loose = _Search(space, entry, given, bound + (peak - bound) * part // PARTS)
        found = loose.run(deadline.part(1 / (PARTS - part)), raising=False)
        if found is not None:
            return found, bound
    return order, bound


def _mask(tasks: Sequence[int]) -> int:
    return sum(1 << t for t in tasks)


class _Search:
    """Orders of one segment."""

    def __init__(self, space: Space, entry: State, given: Sequence[int], level: int) -> None:
        self.space = space
        self.level = level
        self.goal = entry.done | _mask(given)
        self.entry = entry
        self.parents: dict[int, tuple[int, tuple[int, ...]]] = {entry.done: (entry.done, ())}
        self.stack = [entry]
        self.rejected: list[tuple[int, int, State, int]] = []

    def run(self, deadline: Deadline, raising: bool = True) -> tuple[int, ...] | None:
        """An order within the threshold, the smallest there is where it may rise.

        Returns:
            None where time or memory ran out, or nothing is below a fixed threshold.
        """
        count = 0
        while self.goal not in self.parents:
            count += 1
            late = count % CHECK == 0 and deadline.passed
            if late or len(self.parents) > STATES or not (self.stack or raising):
                return None
            if self.stack:
                self._expand(self.stack.pop(), raising)
            else:
                self._raise_level()
        return self._path()

    def _expand(self, state: State, raising: bool) -> None:
        """Push what follows a state."""
        ready = state.ready & self.goal
        steps = []
        for task in bits(ready):
            need, live = self.space.step(state, task)
            steps.append((live, task, need))
        steps.sort(reverse=True)  # the one that leaves least alive ends on top of the stack
        fitting = [s for s in steps if s[2] <= self.level]
        for live, task, _ in reversed(fitting):
            chain = self._chain(state, task, live)
            if chain is not None:
                self._push(state, *chain)
                return
        for live, task, need in steps:
            if need <= self.level:
                self._push(state, self.space.follow(state, task, live), (task,))
            elif raising and state.done | 1 << task not in self.parents:
                heapq.heappush(self.rejected, (need, -len(self.rejected), state, task))

    def _chain(self, state: State, task: int, live: int) -> tuple[State, tuple[int, ...]] | None:
        """A chain from ``task`` on that ends at no more bytes than at any point before it."""
        space, start, old = self.space, state.live, state.ready
        done: list[int] = []
        while True:
            state = space.follow(state, task, live)
            done.append(task)
            if live <= start or state.done == self.goal:
                return state, tuple(done)
            enabled = state.ready & ~old & self.goal
            if not enabled or len(done) == CHAIN:
                return None
            options = [(*space.step(state, t), t) for t in bits(enabled)]
            options = [o for o in options if o[0] <= self.level]
            if not options:
                return None
            _, live, task = min(options, key=lambda o: (o[1], o[2]))

    def _push(self, origin: State, state: State, tasks: tuple[int, ...]) -> None:
        if state.done not in self.parents:
            self.parents[state.done] = (origin.done, tasks)
            self.stack.append(state)

    def _raise_level(self) -> None:
        """Take up again what needs the least among all that was turned away."""
        self.level = self.rejected[0][0]
        while self.rejected and self.rejected[0][0] == self.level:
            _, _, state, task = heapq.heappop(self.rejected)
            _, live = self.space.step(state, task)
            self._push(state, self.space.follow(state, task, live), (task,))

    def _path(self) -> tuple[int, ...]:
        done, pieces = self.goal, []
        while done != self.entry.done:
            done, tasks = self.parents[done]
            pieces.append(tasks)
        return tuple(t for tasks in reversed(pieces) for t in tasks)


Linked = tuple[int, "Linked"] | None
"""Tasks in reverse: the last one, and those before it."""


def _beam(
    space: Space, entry: State, goal: int, width: int, deadline: Deadline
) -> tuple[int, ...] | None:
    """An order by keeping the few states with the smallest peak, then the fewest live bytes; None
    where time ran out."""
    front: list[tuple[int, int, State, Linked]] = [(0, entry.live, entry, None)]
    while front[0][2].done != goal:
        if deadline.passed:
            return None
        found: dict[int, tuple[int, int, State, Linked]] = {}
        for peak, _, state, path in front:
            for task in bits(state.ready & goal):
                need, live = space.step(state, task)
                done = state.done | 1 << task
                rank = (max(peak, need), live)
                if done not in found or rank < found[done][:2]:
                    found[done] = (*rank, space.follow(state, task, live), (task, path))
        front = heapq.nsmallest(width, found.values(), key=lambda f: f[:2])
    order: list[int] = []
    path = front[0][3]
    while path is not None:
        task, path = path
        order.append(task)
    return tuple(reversed(order))
