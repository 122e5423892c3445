"""From an order of tasks to live ranges, to distances that roots may not have, and to buffers."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import NamedTuple

from edgekit.schedule.model import MemoryModel, round_up
from edgekit.schedule.overlap import Gap
from edgekit.schedule.program import ARENA, STATE, Buffer


class Life(NamedTuple):
    """A tensor is needed from position ``first`` to position ``last`` of an order."""

    tensor: int
    first: int
    last: int


def lives_of(model: MemoryModel, order: Sequence[int]) -> dict[int, list[Life]]:
    """Live ranges of the tensors in the arena, by root."""
    position = {task: i for i, task in enumerate(order)}
    last = model.last_uses(order)
    found: dict[int, list[Life]] = {}
    for i, tensor in enumerate(model.tensors):
        if tensor.size:
            first = -1 if tensor.writer is None else position[tensor.writer]
            found.setdefault(tensor.root, []).append(Life(i, first, last[i]))
    return found


def find_gaps(
    model: MemoryModel,
    order: Sequence[int],
    roots: Sequence[int],
    lives: Mapping[int, Sequence[Life]],
    scratch: Sequence[int],
) -> dict[tuple[int, int], tuple[Gap, ...]]:
    """Forbidden distances of the pairs of blocks for which they are not simply "side by side".

    Blocks are the roots, then the scratch of tasks.
    """
    closer = _closer(model, order, lives)
    place = {root: i for i, root in enumerate(roots)}
    parted = [i for i, root in enumerate(roots) if len(lives[root]) > 1]
    pairs = {(place[a], place[b]) for a, b in closer}
    pairs |= {(i, j) for i in parted for j in range(len(roots)) if i != j}
    gaps: dict[tuple[int, int], tuple[Gap, ...]] = {}
    for i, j in sorted(pairs):
        if (j, i) not in gaps:
            ways = (roots[i], roots[j]), (roots[j], roots[i])
            over, under = (closer.get(way, {}) for way in ways)
            gaps[i, j] = _pair(model, lives[roots[i]], lives[roots[j]], over, under)
    at = {task: i for i, task in enumerate(order)}
    for i in parted:
        for n, task in enumerate(scratch):
            size = model.tasks[task].scratch_size
            alive = [x.tensor for x in lives[roots[i]] if x.first <= at[task] <= x.last]
            spans = [model.tensors[t] for t in alive]
            gaps[i, len(roots) + n] = _join(Gap(t.at - size, t.at + t.size) for t in spans)
    return gaps


Closer = dict[tuple[int, int], Gap]
"""Tensor of an input that dies, tensor of the result: distances that are forbidden all the same."""


def _closer(
    model: MemoryModel, order: Sequence[int], lives: Mapping[int, Sequence[Life]]
) -> dict[tuple[int, int], Closer]:
    """What may overlap, by root of the input and root of the result."""
    last = {x.tensor: x.last for found in lives.values() for x in found}
    found: dict[tuple[int, int], Closer] = {}
    for position, number in enumerate(order):
        task = model.tasks[number]
        for lap in task.laps:
            for source in lap.tensors:
                if last[source] != position:
                    continue
                for target in task.writes:
                    key = model.tensors[source].root, model.tensors[target].root
                    gap = model.gap(lap, source, target)
                    if model.tensors[target].size:
                        found.setdefault(key, {})[source, target] = gap
    return found


def _pair(
    model: MemoryModel,
    first: Sequence[Life],
    second: Sequence[Life],
    over: Closer,
    under: Closer,
) -> tuple[Gap, ...]:
    """Distances from one root to another at which tensors that live together would collide."""

    def forbidden() -> Iterator[Gap]:
        for a in first:
            for b in second:
                if a.first <= b.last and b.first <= a.last:
                    if (a.tensor, b.tensor) in over:
                        yield over[a.tensor, b.tensor]
                    elif (b.tensor, a.tensor) in under:
                        yield under[b.tensor, a.tensor].mirrored
                    else:
                        yield model.apart(a.tensor, b.tensor)

    return _join(forbidden())


def _join(gaps: Iterator[Gap]) -> tuple[Gap, ...]:
    """The same distances in as few gaps as there are between allowed ones."""
    found: list[Gap] = []
    for gap in sorted((g for g in gaps if not g.is_empty), key=lambda g: g.low):
        if found and gap.low < found[-1].high:
            found[-1] = Gap(found[-1].low, max(found[-1].high, gap.high))
        else:
            found.append(gap)
    return tuple(found)


def place_values(
    model: MemoryModel, order: Sequence[int], offsets: Mapping[int, int]
) -> tuple[list[Buffer], dict[str, Buffer], int]:
    """A buffer for each tensor, where each value lies, and the bytes of the state region.

    Args:
        model, order: what is placed, and when it is used.
        offsets: of the roots in the arena.
    """
    last = model.last_uses(order)
    position = {task: i for i, task in enumerate(order)}
    first = [-1 if t.writer is None else position[t.writer] for t in model.tensors]
    states = {s.state.name for s in model.graph.states}
    names = model.names()
    location: dict[str, Buffer] = {}
    buffers, end = [], 0
    for i, tensor in enumerate(model.tensors):
        region, offset = ARENA, offsets.get(tensor.root, 0) + tensor.at
        if tensor.value.name in states:
            region, offset = STATE, end
            end += round_up(tensor.nbytes, model.align)
        own, *others = names[i]
        made = Buffer(own, region, offset, tensor.nbytes, first[i], last[i], tuple(others))
        buffers.append(made)
        location |= dict.fromkeys(names[i], made)
    for name, parts in model.held.items():  # values that consist of several tensors, or of a part
        if name not in location:
            at, nbytes = model.extent(name)
            offset = offsets.get(model.tensors[parts[0]].root, 0) + at
            ends = min(first[t] for t in parts), max(last[t] for t in parts)
            location[name] = Buffer(name, ARENA, offset, nbytes, *ends)
    return buffers, location, end
