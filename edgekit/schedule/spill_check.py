"""An independent check of a spill plan: every byte of the scratchpad is followed.

It shares no code with the planner: it looks at the graph and at the list of actions alone.
"""

from __future__ import annotations

import numpy as np

from edgekit.errors import InternalError, Problem
from edgekit.ir import Graph, Node, Value
from edgekit.ir.ops import Reshape
from edgekit.schedule.model import ScratchOf
from edgekit.schedule.spill import Action, SpillPlan


def verify_spills(plan: SpillPlan, graph: Graph, scratch_of: ScratchOf) -> int:
    """Replay the actions.

    Returns:
        Bytes that they move beyond the first load of each input and one store of each output.

    Raises:
        InternalError: naming what runs out of turn, reads what is not there, lies outside the
            scratchpad or over what runs with it, loads what was never stored, or is missing at the
            end; or figures that are not those of the actions.
    """
    replay = _Replay(plan, graph, scratch_of)
    for action in plan.actions:
        replay.perform(action)
    replay.finish()
    if replay.problems:
        raise InternalError("the spill plan is wrong", replay.problems)
    return replay.moved


class _Replay:
    def __init__(self, plan: SpillPlan, graph: Graph, scratch_of: ScratchOf) -> None:
        self.plan, self.graph, self.scratch_of = plan, graph, scratch_of
        self.problems: list[Problem] = []
        self.owner = np.zeros(plan.capacity, np.int32)
        self.names = [""]
        self.place: dict[str, int] = {}  # of the copy in the scratchpad
        self.root = _roots(graph)
        self.size = {v.name: v.type.nbytes for v in _values(graph)}
        self.slow = {v.name for v in graph.inputs}
        self.outputs = {self.root[v.name] for v in graph.outputs}
        self.free = {*self.slow}  # inputs whose first load is compulsory
        self.due = {*self.outputs} - self.slow
        self.waiting = {n.name: n for n in graph.nodes if not isinstance(n.op, Reshape)}
        self.moved = 0

    def say(self, what: str, where: str) -> None:
        self.problems.append(Problem(what, where))

    def perform(self, action: Action) -> None:
        if action.kind == "run":
            self.run(action)
            return
        ((name, offset),) = action.places or ((action.name, -1),)
        if name != action.name or name not in self.size:
            self.say(f"is {action.kind}ed as '{name}'", f"'{action.name}'")
        elif action.kind == "load":
            if name not in self.slow:
                self.say("is loaded, but was never stored", f"'{name}'")
            self.occupy(name, offset, self.size[name])
            self.place[name] = offset
            self.moved += 0 if name in self.free else self.size[name]
            self.free.discard(name)
        else:
            if self.place.get(name) != offset:
                self.say(f"is stored from {offset}, where it is not", f"'{name}'")
            self.need(name, "it is stored")
            self.slow.add(name)
            self.moved += 0 if name in self.due else self.size[name]
            self.due.discard(name)

    def run(self, action: Action) -> None:
        node = self.waiting.pop(action.name, None)
        if node is None:
            self.say("is not a node that is left to run", f"'{action.name}'")
            return
        places = dict(action.places)
        for value in _read(node):
            self.need(self.root[value.name], f"{node.name} reads it")
        wanted = [(v.name, v.type.nbytes) for v in node.outputs]
        scratch = self.scratch_of(node)
        wanted += [(node.name, scratch)] if scratch else []
        if places.keys() != {name for name, _ in wanted}:
            self.say(f"has places for {', '.join(places) or 'nothing'}", f"'{node.name}'")
            return
        for name, nbytes in wanted:
            self.occupy(name, places[name], nbytes)
        for value in _read(node):  # nothing that runs with it may lie over its inputs
            self.need(self.root[value.name], f"{node.name} has run")
        for name, nbytes in wanted:
            self.place[name] = places[name]
            self.check(name, nbytes, f"{node.name} has run")

    def occupy(self, name: str, offset: int, nbytes: int) -> None:
        if offset < 0 or offset + nbytes > self.plan.capacity:
            self.say(f"lies at {offset}+{nbytes}, outside {self.plan.capacity} B", f"'{name}'")
            return
        self.names.append(name)
        self.owner[offset : offset + nbytes] = len(self.names) - 1

    def need(self, name: str, when: str) -> None:
        if name not in self.place:
            self.say(f"is not in the scratchpad when {when}", f"'{name}'")
            return
        self.check(name, self.size[name], when)

    def check(self, name: str, nbytes: int, when: str) -> None:
        start = self.place[name]
        held = self.owner[max(start, 0) : start + nbytes]
        other = next((self.names[i] for i in np.unique(held) if self.names[i] != name), None)
        if other is not None:
            self.say(f"was overwritten by '{other}' before {when}", f"'{name}'")

    def finish(self) -> None:
        for name in self.waiting:
            self.say("never runs", f"'{name}'")
        for name in sorted(self.outputs - self.slow):
            self.say("is an output that is never stored", f"'{name}'")
        plan = self.plan
        if not plan.bound_bytes <= plan.moved_bytes == self.moved:
            stated = f"{plan.moved_bytes} B are stated, {plan.bound_bytes} B or more"
            self.say(f"moves {self.moved} B, but {stated}", "the plan")


def _values(graph: Graph) -> list[Value]:
    return [*graph.inputs, *(v for n in graph.nodes for v in n.outputs)]


def _read(node: Node) -> list[Value]:
    return [v for v in node.inputs if v is not None and not v.is_constant]


def _roots(graph: Graph) -> dict[str, str]:
    """The value that holds each value's bytes."""
    root = {v.name: v.name for v in _values(graph)}
    for node in graph.nodes:
        if isinstance(node.op, Reshape) and not node.input(0).is_constant:
            root[node.output.name] = root[node.input(0).name]
    return root
