"""What a stage costs in strips, found by looking at the stage alone.

A stage shares the arena only with tensors that live across all of it, so its peak, its extra
multiply-accumulates and what it moves do not depend on how other stages are executed.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Sequence
from dataclasses import dataclass
from typing import Any, TypeVar

from edgekit.ir import Graph, Node, Value
from edgekit.ir.op import Op
from edgekit.ir.ops import Concat, Slice
from edgekit.schedule.deadline import Deadline
from edgekit.schedule.model import CostOf, MemoryModel, OverlapOf, ScratchOf, build_model
from edgekit.schedule.order import Ordered
from edgekit.schedule.overlap import Overlap
from edgekit.schedule.plan import ALIGN, given_order, lay_out
from edgekit.schedule.rolling import Carry, Estimate, roll
from edgekit.schedule.rows import ROW, refusal
from edgekit.schedule.space import Space
from edgekit.schedule.strips import Stage, in_strips

CALL = 200
"""Instructions that one more call costs, about, of a kernel that does not count its own."""
STRIPS = (2, 3, 4, 5, 6, 8, 10, 12, 16, 20, 24, 32, 40, 48, 64, 80, 96, 128)
"""Numbers of strips that are tried."""
CARRIES: tuple[Carry, ...] = ("keep", "move", "again")
T = TypeVar("T")


class Kernels:
    """What kernels declare, asked once for each geometry."""

    def __init__(self, scratch_of: ScratchOf, overlap_of: OverlapOf, cost_of: CostOf) -> None:
        self._scratch_of, self._overlap_of, self._cost_of = scratch_of, overlap_of, cost_of
        self._scratch: dict[Hashable, int] = {}
        self._overlaps: dict[Hashable, Sequence[Overlap | None]] = {}
        self._costs: dict[Hashable, int | None] = {}

    def scratch(self, node: Node) -> int:
        """Bytes of scratch."""
        return _once(self._scratch, node, self._scratch_of)

    def overlaps(self, node: Node) -> Sequence[Overlap | None]:
        """What a node's kernel tolerates, by input."""
        return _once(self._overlaps, node, self._overlap_of)

    def cost(self, node: Node) -> int | None:
        """Instructions of a run, None where they are not known."""
        return _once(self._costs, node, self._cost_of)


def _once(known: dict[Hashable, T], node: Node, ask: Callable[[Node], T]) -> T:
    inputs = [None if v is None else (v.type.shape, v.type.dtype, _address(v)) for v in node.inputs]
    key = node.op, tuple(inputs), tuple((v.type.shape, v.type.dtype) for v in node.outputs)
    if key not in known:
        known[key] = ask(node)
    return known[key]


def _address(value: Value) -> int:
    """Where the elements of a constant are; copies of a graph share them."""
    return 0 if value.data is None else int(value.data.__array_interface__["data"][0])


@dataclass(frozen=True)
class Choice:
    """A stage in strips.

    Attributes:
        first, last: its tasks, by position in the given order.
        stage: how it is executed.
        peak: largest need of its steps, in bytes; what lives across it included.
        extra_macs: multiply-accumulates that it adds.
        work: further instructions, about: what kernels count, calls and moved bytes.
    """

    first: int
    last: int
    stage: Stage
    peak: int
    extra_macs: int
    work: int


class Stages:
    """Every stage of a graph, and what it costs.

    Args:
        graph: lowered graph in the order in which it runs.
        kernels: what they declare.

    Attributes:
        model: without strips.
        needs: bytes that each task needs.
        before: bytes alive before each task, and after the last one.
        floor: bytes that inputs or outputs need alone.
    """

    def __init__(self, graph: Graph, kernels: Kernels) -> None:
        self.graph, self.kernels = graph, kernels
        self.model = build_model(graph, kernels.scratch, kernels.overlaps, ALIGN)
        space = Space(self.model)
        state = space.first()
        self.needs: list[int] = []
        self.before = [state.live]
        for task in range(len(self.model.tasks)):
            need, live = space.step(state, task)
            self.needs.append(need)
            self.before.append(live)
            state = space.follow(state, task, live)
        self.floor = space.floor
        self.able = [not refusal(t.node) for t in self.model.tasks]
        self._parts: dict[tuple[int, int], _Part] = {}
        self._estimates: dict[tuple[int, int, int, Carry], int] = {}
        self._known: dict[tuple[int, int, int, Carry], Choice] = {}

    def choice(self, first: int, last: int, strips: int, carry: Carry) -> Choice:
        """What a stage costs."""
        key = first, last, strips, carry
        if key not in self._known:
            self._known[key] = self._part(first, last).choice(strips, carry)
        return self._known[key]

    def estimate(self, first: int, last: int, strips: int, carry: Carry) -> int:
        """About the peak of a stage, found much faster."""
        key = first, last, strips, carry
        if key not in self._estimates:
            self._estimates[key] = self._part(first, last).estimate(strips, carry)
        return self._estimates[key]

    def _part(self, first: int, last: int) -> _Part:
        if (first, last) not in self._parts:
            self._parts[first, last] = _Part(self, first, last)
        return self._parts[first, last]

    def packed(self, choice: Choice, limit: int, deadline: Deadline) -> int:
        """Bytes of the arena in which the stage can be placed; no less than a limit is tried."""
        part = self._part(choice.first, choice.last)
        return part.packed(choice.stage, limit, deadline)

    def strips(self, last: int) -> list[int]:
        """Numbers of strips for a stage that ends with a task."""
        height = self.model.tasks[last].node.output.type.shape[ROW]
        return sorted({*(n for n in STRIPS if n < height), height})


def least_bytes(graph: Graph, scratch_of: ScratchOf, overlap_of: OverlapOf) -> int:
    """Bytes of an arena that no plan can undercut, strips included: what inputs or outputs need,
    and each task that can only run as a whole."""
    model = build_model(graph, scratch_of, overlap_of, ALIGN)
    space = Space(model)
    whole = [n for n, t in zip(space.least, model.tasks, strict=True) if refusal(t.node)]
    return max(space.floor, *whole, 0)


class _Part:
    """A stage as a graph of its own."""

    def __init__(self, stages: Stages, first: int, last: int) -> None:
        self.stages, self.first, self.last = stages, first, last
        self.nodes = [t.node for t in stages.model.tasks[first : last + 1]]
        self.graph, entries = _cut_out(stages.graph, self.nodes)
        self.plain = self._model(self.graph)
        model = stages.model
        held = {t for v in entries for t in model.held[v.name]}
        self.scratch = {n.name: stages.kernels.scratch(n) for n in self.graph.nodes}
        self.outputs = {v.name for v in self.graph.outputs}
        self.across = stages.before[first] - sum(model.tensors[t].size for t in held)

    def choice(self, strips: int, carry: Carry) -> Choice:
        stage = Stage(tuple(n.name for n in self.nodes), strips, carry)
        split = in_strips(self.graph, [stage])
        model = self._model(split)
        space = Space(model)
        peak, _ = space.walk(space.first(), range(len(model.tasks)))
        roots = [r.end - r.start for r in model.views.roots if r is not None]
        moved = [
            n.output.type.nbytes for n in model.views.steps if isinstance(n.op, Slice | Concat)
        ]
        return Choice(
            self.first,
            self.last,
            stage,
            max(self.across + max(peak, space.bound), max(roots)),
            split.macs() - self.graph.macs(),
            self._further(model) + sum(moved),
        )

    def _further(self, split: MemoryModel) -> int:
        """Instructions beyond those of whole layers; kernels of a kind of which some do not count
        theirs are taken to cost no more than their calls."""
        total = 0
        for kind in {type(t.node.op) for t in split.tasks}:
            whole, strips = (self._counts(model, kind) for model in (self.plain, split))
            known = [c for c in (*whole, *strips) if c is not None]
            if len(known) == len(whole) + len(strips):
                total += sum(known[len(whole) :]) - sum(known[: len(whole)])
            else:
                total += CALL * (len(strips) - len(whole))
        return max(total, 0)

    def _counts(self, model: MemoryModel, kind: type[Op]) -> list[int | None]:
        cost = self.stages.kernels.cost
        return [cost(t.node) for t in model.tasks if type(t.node.op) is kind]

    def estimate(self, strips: int, carry: Carry) -> int:
        nodes = self.graph.nodes
        rolling = roll(nodes, self.outputs, strips, carry)
        whole = [i.value.type.nbytes for i in rolling.values() if i.exit or carry == "keep"]
        peak = Estimate(nodes, rolling, self.scratch, self.outputs, carry).peak()
        return max(self.across + peak, *whole)

    def packed(self, stage: Stage, limit: int, deadline: Deadline) -> int:
        model = self._model(in_strips(self.graph, [stage]))
        order = given_order(model)
        goal = Ordered(order.order, max(limit, order.peak + self.across), order.bound)
        return lay_out(model, goal, deadline, self.across).packed.total

    def _model(self, graph: Graph) -> MemoryModel:
        kernels = self.stages.kernels
        return build_model(graph, kernels.scratch, kernels.overlaps, ALIGN, True)


def _cut_out(graph: Graph, nodes: Sequence[Node]) -> tuple[Graph, list[Value]]:
    """Some nodes as a graph of their own, and the values that enter it.

    What is needed later leaves it as an output.
    """
    inside = {id(n) for n in nodes}
    part = Graph(graph.name)
    inner: dict[int, Value] = {}
    entries: list[Value] = []
    for node in nodes:
        inputs: list[Value | None] = []
        for value in node.inputs:
            if value is not None and id(value) not in inner:
                inner[id(value)] = _enter(part, value)
                entries += [] if value.is_constant else [value]
            inputs.append(None if value is None else inner[id(value)])
        made = part.add_node(node.op, inputs, [v.type for v in node.outputs], name=node.name)
        inner |= {id(v): w for v, w in zip(node.outputs, made.outputs, strict=True)}
    values: list[Any] = [*entries, *(v for n in nodes for v in n.outputs)]
    last = max(graph.nodes.index(n) for n in nodes)
    later = {id(n) for n in graph.nodes[last + 1 :]} - inside
    part.outputs = [
        inner[id(v)]
        for v in values
        if graph.is_output(v) or any(id(user) in later for user, _ in v.uses)
    ]
    return part, entries


def _enter(part: Graph, value: Value) -> Value:
    if value.is_constant:
        return part.constant(value.array, value.name, value.type)
    return part.add_input(value.name, value.type)
