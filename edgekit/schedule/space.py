"""The states of the order search: which tasks have run, and how many bytes are then alive."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from edgekit.schedule.model import MemoryModel, bits


class State(NamedTuple):
    """A point on the way.

    Attributes:
        done: mask of the tasks that have run.
        ready: mask of those that could run next.
        live: bytes alive between two tasks.
    """

    done: int
    ready: int
    live: int


class Space:
    """Transitions between states, and what each needs.

    Attributes:
        needs: mask of direct predecessors of each task.
        users: direct successors of each task.
        start: bytes alive before the first task.
        floor: bytes that inputs or outputs need alone.
        least: bytes that each task needs for its own tensors.
        bound: bytes that every order needs at some point.
    """

    def __init__(self, model: MemoryModel) -> None:
        tensors = model.tensors
        self.needs = [t.needs for t in model.tasks]
        self.users: list[list[int]] = [[] for _ in model.tasks]
        for index, task in enumerate(model.tasks):
            for before in bits(task.needs):
                self.users[before].append(index)
        self._inputs: list[list[tuple[int, int, int]]] = []
        self._share: list[int] = []  # bytes that inputs and results share at best
        self._base: list[int] = []  # bytes written and scratch
        self._grow: list[int] = []  # bytes that stay
        for task in model.tasks:
            saved, most = model.savings(task)
            written = [tensors[w] for w in task.writes]
            self._inputs.append(
                [
                    (tensors[r].size, tensors[r].readers, saved.get(r, 0))
                    for r in task.reads
                    if tensors[r].size and not tensors[r].kept
                ]
            )
            self._share.append(most)
            self._base.append(sum(t.size for t in written) + task.scratch_size)
            self._grow.append(sum(t.size for t in written if t.kept or t.readers))
        given = [t for t in tensors if t.writer is None]
        self.start = sum(t.size for t in given if t.kept or t.readers)
        self.floor = max(sum(t.size for t in given), sum(t.size for t in tensors if t.kept))
        self.least = [self._least(model, index) for index in range(len(self.needs))]
        self.bound = max(self.floor, *self.least, 0)

    def _least(self, model: MemoryModel, index: int) -> int:
        """What a task needs even when nothing but its own tensors is alive."""
        kept = sum(model.tensors[r].size for r in model.tasks[index].reads if model.tensors[r].kept)
        sources = self._inputs[index]
        shared = min(self._share[index], sum(saving for _, _, saving in sources))
        return kept + sum(size for size, _, _ in sources) + self._base[index] - shared

    def step(self, state: State, task: int) -> tuple[int, int]:
        """Bytes that running ``task`` needs, and bytes alive afterwards.

        Only an input that dies now can share bytes with the result.
        """
        later = ~(state.done | 1 << task)
        freed = shared = 0
        for size, readers, saving in self._inputs[task]:
            if not readers & later:
                freed += size
                shared += saving
        shared = min(shared, self._share[task])
        return state.live + self._base[task] - shared, state.live + self._grow[task] - freed

    def follow(self, state: State, task: int, live: int) -> State:
        """The state after ``task``."""
        done = state.done | 1 << task
        ready = state.ready ^ 1 << task
        for user in self.users[task]:
            if not self.needs[user] & ~done:
                ready |= 1 << user
        return State(done, ready, live)

    def first(self) -> State:
        """The state before the first task."""
        ready = sum(1 << i for i, needs in enumerate(self.needs) if not needs)
        return State(0, ready, self.start)

    def walk(self, state: State, order: Sequence[int]) -> tuple[int, State]:
        """The largest need of a part of an order, and the state after it."""
        peak = 0
        for task in order:
            need, live = self.step(state, task)
            peak = max(peak, need)
            state = self.follow(state, task, live)
        return peak, state

    def segments(self) -> list[int]:
        """Masks of tasks that every order runs one after the other.

        A task that is an ancestor or a descendant of every other one splits each order at the same
        place: what comes before it must, and what comes after it must.
        """
        count = len(self.needs)
        before = list(self.needs)
        for i in range(count):
            for p in bits(self.needs[i]):
                before[i] |= before[p]
        after = [0] * count
        for i in reversed(range(count)):
            for user in self.users[i]:
                after[i] |= after[user] | 1 << user
        everything = (1 << count) - 1
        cuts = [
            before[i] | 1 << i for i in range(count) if before[i] | after[i] | 1 << i == everything
        ]
        masks, done = [], 0
        for cut in sorted({*cuts, everything}, key=int.bit_count):
            if cut != done:
                masks.append(cut & ~done)
                done = cut
        return masks
