"""Order, placement and spills together: the fewest bytes between a scratchpad and a slow memory.

The problem is that of COSMA (Zhang et al., 2023), which solves it as an integer program. Here a
beam search over sets of executed tasks, each with what is in the scratchpad, proposes an order, and
so does the order with the smallest peak; random moves of single tasks then improve on both, each
order simulated to the end, with a place for everything in the scratchpad
(`edgekit.schedule.scratchpad`).
"""

from __future__ import annotations

import heapq
import random
import time
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any, Literal, NamedTuple

from edgekit.errors import ModelError, Problem
from edgekit.ir import Graph
from edgekit.schedule.model import MemoryModel, ScratchOf, bits, build_model
from edgekit.schedule.order import best_order
from edgekit.schedule.packing import Block, pack
from edgekit.schedule.plan import ALIGN, no_overlap
from edgekit.schedule.scratchpad import POLICIES, Scratchpad, Stay, Traffic, soon
from edgekit.schedule.space import Space

ORDER_END, BOUND_END, BEAM_END = 0.25, 0.3, 0.5
"""When the first stages stop, as parts of the time limit."""
TRIAL = 0.05
"""Part of the time limit to pack what needs no spill."""
MOVE_END = 0.95
"""When moves stop."""
BEAMS = (4, 16, 48)
"""States kept side by side, as long as time allows."""
SEED = 0


class Action(NamedTuple):
    """One line of a spill plan.

    Attributes:
        kind: ``load`` a tensor to an offset of the scratchpad, ``store`` it from there, or ``run``
            a node.
        name: of the tensor or node.
        places: of the tensor; of results (and scratch, called as its node) for ``run``.
    """

    kind: Literal["load", "store", "run"]
    name: str
    places: tuple[tuple[str, int], ...]


@dataclass(frozen=True)
class SpillPlan:
    """A schedule with its loads and stores.

    Attributes:
        capacity: bytes of the scratchpad.
        actions: in order.
        moved_bytes: bytes loaded and stored beyond the first load of each input and the store of
            each output.
        bound_bytes: no order, placement and choice moves fewer.
    """

    capacity: int
    actions: tuple[Action, ...]
    moved_bytes: int
    bound_bytes: int


def plan_spills(graph: Graph, scratch_of: ScratchOf, capacity: int, seconds: float) -> SpillPlan:
    """Plan a graph for a scratchpad before a slow memory that holds its inputs and outputs.

    Args:
        graph: any graph; reshapes are aliases, no result overlaps its operands.
        scratch_of: bytes of scratch of a node.
        capacity: bytes of the scratchpad.
        seconds: time limit.

    Raises:
        ModelError: the graph has state, or a node alone needs more than the scratchpad has or
            cannot be placed in it.
    """
    if graph.states:
        problems = [Problem("is a state", f"'{s.state.name}'") for s in graph.states]
        raise ModelError("spills are planned for graphs without state", problems)
    model = build_model(graph, scratch_of, no_overlap, ALIGN)
    pad = Scratchpad(model, capacity // ALIGN * ALIGN)
    wide = [
        Problem(f"needs {need:,} bytes", f"node '{t.node.name}'", f"{capacity:,} bytes")
        for t, need in zip(model.tasks, pad.work, strict=True)
        if need > pad.capacity
    ]
    if wide:
        raise ModelError("the scratchpad is too small for single nodes", wide)
    start = time.monotonic()

    def left(share: float) -> float:
        """When a part of the time limit has passed."""
        return start + share * seconds

    small = best_order(model, ORDER_END * seconds)
    whole = _unspilled(pad, small.order, TRIAL * seconds)
    if whole is not None:
        return SpillPlan(capacity, _actions(model, pad, whole), 0, 0)
    bound = _bound(model, pad, left(BOUND_END))
    orders = [small.order, tuple(range(len(model.tasks)))]
    for width in BEAMS:
        beam = _Beam(model, pad, width).search(left(BEAM_END))
        orders += [beam] if beam else []
    best = min((_simulated(pad, order) for order in orders), key=lambda t: t.moved)
    best = _improved(pad, best, bound, left(MOVE_END))
    return SpillPlan(capacity, _actions(model, pad, best), best.moved, bound)


def _unspilled(pad: Scratchpad, order: Sequence[int], seconds: float) -> Traffic | None:
    """An order in which everything stays until it is dead, packed exactly; None where it is too
    much for the scratchpad or was not packed in time."""
    position = {task: i for i, task in enumerate(order)}
    first = {i: position[t] for t, task in enumerate(pad.writes) for i in task}
    blocks, stays = [], []
    for tensor, uses in enumerate(pad.uses(order)):
        if uses or tensor in first:
            start = first.get(tensor, uses[-1] if uses else 0)
            blocks.append(Block(pad.sizes[tensor], start, max([start, *uses])))
            stays.append(Stay(tensor, start, 0, pad.given[tensor]))
    blocks += [Block(pad.scratch[t], i, i) for i, t in enumerate(order)]
    packed = pack(blocks, ALIGN, bound=pad.capacity, seconds=seconds)
    if packed.total > pad.capacity:
        return None
    placed = [replace(s, offset=o) for s, o in zip(stays, packed.offsets, strict=False)]
    scratch = dict(enumerate(packed.offsets[len(stays) :]))
    return Traffic(tuple(order), placed, scratch=scratch)


def belady(graph: Graph, scratch_of: ScratchOf, capacity: int) -> int:
    """Bytes beyond what is compulsory in the given order, by Belady's rule, placement ignored."""
    model = build_model(graph, scratch_of, no_overlap, ALIGN)
    return Scratchpad(model, capacity).belady(range(len(model.tasks)))


def _simulated(pad: Scratchpad, order: Sequence[int]) -> Traffic:
    found = (pad.simulate(order, policy) for policy in POLICIES)
    return min((f for f in found if f is not None), key=lambda t: t.moved)


def _bound(model: MemoryModel, pad: Scratchpad, deadline: float) -> int:
    """What is made and needed later must be somewhere: above the capacity it is stored and loaded.

    Inputs and outputs are left out; they have a copy in the slow memory anyway.
    """
    tensors = tuple(
        replace(t, size=0 if t.writer is None or t.kept else t.nbytes) for t in model.tensors
    )
    seconds = deadline - time.monotonic()
    if seconds <= 0:
        return 0
    least = best_order(replace(model, tensors=tensors), seconds).bound
    return 2 * max(least - pad.capacity, 0)


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


class _Beam:
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

    def search(self, deadline: float) -> tuple[int, ...] | None:
        """An order; None where time ran out."""
        front = [self.first]
        for _ in self.before:
            if time.monotonic() > deadline:
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


def _improved(pad: Scratchpad, best: Traffic, bound: int, until: float) -> Traffic:
    """Move single tasks within what their neighbours allow, as long as it gets no worse."""
    chance = random.Random(SEED)
    users: list[list[int]] = [[] for _ in pad.needs]
    for index, needs in enumerate(pad.needs):
        for before in bits(needs):
            users[before].append(index)
    order, moved, count = list(best.order), best.moved, len(best.order)
    loads = [s.first for s in best.stays if s.loaded]
    while moved > bound and time.monotonic() < until:
        position = {task: i for i, task in enumerate(order)}
        # every second time a task for which something was loaded
        old = chance.choice(loads) if loads and chance.random() < 0.5 else chance.randrange(count)
        task = order[old]
        low = max((position[b] for b in bits(pad.needs[task])), default=-1) + 1
        high = min((position[u] for u in users[task]), default=len(order)) - 1
        new = chance.randint(low, high)
        trial = order.copy()
        trial.insert(new, trial.pop(old))
        found = pad.simulate(trial, chance.choice(POLICIES), moved) if new != old else None
        if found is not None:
            order, moved = trial, found.moved
            loads = [s.first for s in found.stays if s.loaded]
            best = found if moved < best.moved else best
    return best


def _actions(model: MemoryModel, pad: Scratchpad, traffic: Traffic) -> tuple[Action, ...]:
    names = [t.value.name for t in model.tensors]
    stays: dict[int, list[Stay]] = {}
    for stay in traffic.stays:
        stays.setdefault(stay.first, []).append(stay)
    at: dict[int, tuple[str, int]] = {}  # name and offset
    found = []
    for step, task in enumerate(traffic.order):
        found += [Action("store", names[i], (at[i],)) for i in traffic.stores.get(step, ())]
        results = []
        for stay in stays.get(step, ()):
            place = at[stay.tensor] = names[stay.tensor], stay.offset
            if stay.loaded:
                found.append(Action("load", place[0], (place,)))
            else:
                results.append(place)
        node = model.tasks[task].node.name
        if pad.scratch[task]:
            results.append((node, traffic.scratch[step]))
        found.append(Action("run", node, tuple(results)))
        found += [Action("store", names[i], (at[i],)) for i in pad.writes[task] if pad.kept[i]]
    return tuple(found)
