"""Order, placement and spills together: the fewest bytes between a scratchpad and a slow memory.

The problem is that of COSMA (Zhang et al., 2023), which solves it as an integer program. Here a
beam search, the order with the smallest peak and the given one propose orders, and a random walk
improves on the best of them without looking at places (`edgekit.schedule.volume`). What it finds is
packed exactly; as a scratchpad that is full at many steps often cannot be packed, the walk goes on
with a little less room until it can, and with a little more after that. Each order is also
simulated with a place for everything (`edgekit.schedule.scratchpad`), which always succeeds.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Literal, NamedTuple

from edgekit.errors import ModelError, Problem
from edgekit.ir import Graph
from edgekit.schedule.deadline import Deadline, Stride
from edgekit.schedule.model import MemoryModel, ScratchOf, build_model
from edgekit.schedule.order import best_order
from edgekit.schedule.packing import Block, pack_below
from edgekit.schedule.plan import ALIGN, no_overlap
from edgekit.schedule.scratchpad import POLICIES, Scratchpad, Stay, Traffic
from edgekit.schedule.spill_beam import Beam
from edgekit.schedule.volume import Track, Volume

ORDER, BOUND, BEAMS, WALK = 0.1, 0.05, 0.1, 0.3
"""Parts of the time that is left for the order with the smallest peak, for the bound, for the beams
and for the first walk; the rest is for rounds with less room."""
SEARCH_END = 0.9
"""Part of the time limit after which the search ends; the rest is for what has no clock."""
WIDTHS = (4, 16)
"""States kept side by side, as long as time allows."""
WARM, COOL = 0.01, 0.003
"""How much worse an order may be at first: in the first walk and in those of the rounds."""
ROUNDS = 7
"""Rounds that the rest of the time is about enough for."""
PACKING = 0.5
"""Part of a round that packing may take."""
START, TIGHTER, WIDER = 0.98, 0.98, 1.01
"""Room in the first round, in scratchpads, and what becomes of it where packing failed and where it
did not."""


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
    deadline = Deadline.after(SEARCH_END * seconds)
    model = build_model(graph, scratch_of, no_overlap, ALIGN)
    pad = Scratchpad(model, capacity // ALIGN * ALIGN)
    wide = [
        Problem(f"needs {need:,} bytes", f"node '{t.node.name}'", f"{capacity:,} bytes")
        for t, need in zip(model.tasks, pad.work, strict=True)
        if need > pad.capacity
    ]
    if wide:
        raise ModelError("the scratchpad is too small for single nodes", wide)
    search = _Search(pad, deadline)
    small = best_order(model, deadline.part(ORDER))
    search.take(small.order)
    if not search.track.moved and search.pack(search.volume, search.track, deadline.part(WALK)):
        return SpillPlan(capacity, _actions(model, pad, search.best), 0, 0)
    bound = _bound(model, pad, deadline.part(BOUND))
    end = deadline.part(BEAMS)
    for width in WIDTHS:
        if order := Beam(model, pad, width).search(end):
            search.take(order)
    best = search.improve(bound)
    return SpillPlan(capacity, _actions(model, pad, best), best.moved, bound)


class _Search:
    """Orders and places, better and better ones.

    Attributes:
        volume: runs orders without places.
        track: the best order, places left out.
        best: the best with places.
    """

    def __init__(self, pad: Scratchpad, deadline: Deadline) -> None:
        self.pad, self.deadline = pad, deadline
        self.simulation = Stride()
        self.volume = Volume(pad, pad.capacity)
        order = range(len(pad.needs))
        self.track = self.volume.run(order)
        with self.simulation.taken():
            first = pad.simulate(order, POLICIES[0])
        assert first is not None  # without a limit
        self.best = first

    def take(self, order: Sequence[int]) -> None:
        """Look at an order without places."""
        track = self.volume.run(order)
        self.track = min(self.track, track, key=lambda t: t.moved)

    def improve(self, bound: int) -> Traffic:
        """Walk and place until time is up."""
        first = self.pad.simulate(self.track.order, POLICIES[0], self.best.moved)
        self.best = first or self.best
        self._simulate(self.track)
        walked = self.volume.anneal(self.track, WARM, bound, self.deadline.part(WALK))
        self._simulate(walked)
        room, seconds = START * self.pad.capacity, self.deadline.left / ROUNDS
        while self.best.moved > bound and not self.deadline.passed:
            room = min(max(room, max(self.pad.work)), self.pad.capacity)
            end = self.deadline.within(seconds)
            volume = self.volume.within(int(room) // ALIGN * ALIGN)
            start = volume.run(walked.order)
            walked = volume.anneal(start, COOL, bound, end.part(1 - PACKING))
            useless = walked.moved >= self.best.moved  # even if it can be placed
            room *= WIDER if useless or self.pack(volume, walked, end) else TIGHTER
            self._simulate(walked)
        return self.best

    def pack(self, volume: Volume, track: Track, deadline: Deadline) -> bool:
        """Place what a track does in the whole scratchpad; False where that was not found."""
        if deadline.passed:
            return False
        pad, (traffic, lasts) = self.pad, volume.traffic(track)
        blocks = [
            Block(pad.sizes[s.tensor], s.first, last)
            for s, last in zip(traffic.stays, lasts, strict=True)
        ]
        blocks += [Block(pad.scratch[t], i, i) for i, t in enumerate(track.order)]
        offsets = pack_below(blocks, ALIGN, pad.capacity, deadline)
        if offsets is None:
            return False
        count = len(traffic.stays)
        traffic.stays = [replace(s, offset=o) for s, o in zip(traffic.stays, offsets, strict=False)]
        traffic.scratch = dict(enumerate(offsets[count:]))
        self.best = min(self.best, traffic, key=lambda t: t.moved)
        return True

    def _simulate(self, track: Track) -> None:
        """Place step by step."""
        for policy in POLICIES:
            if self.simulation.fits(self.deadline):
                with self.simulation.taken():
                    found = self.pad.simulate(track.order, policy, self.best.moved)
                self.best = found or self.best


def belady(graph: Graph, scratch_of: ScratchOf, capacity: int) -> int:
    """Bytes beyond what is compulsory in the given order, by Belady's rule, placement ignored."""
    model = build_model(graph, scratch_of, no_overlap, ALIGN)
    return Scratchpad(model, capacity).belady(range(len(model.tasks)))


def _bound(model: MemoryModel, pad: Scratchpad, deadline: Deadline) -> int:
    """What is made and needed later must be somewhere: above the capacity it is stored and loaded.

    Inputs and outputs are left out; they have a copy in the slow memory anyway.
    """
    tensors = tuple(
        replace(t, size=0 if t.writer is None or t.kept else t.nbytes) for t in model.tensors
    )
    least = best_order(replace(model, tensors=tensors), deadline).bound
    return 2 * max(least - pad.capacity, 0)


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
