"""The memory model of a graph: tasks, the tensors they read and write, and what may overlap.

Sets of tasks and of tensors are bit masks in Python integers, which keeps the order search fast.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import NamedTuple

from edgekit.ir import Graph, Node, Value
from edgekit.schedule.overlap import Gap, Overlap, gap_between, union_bytes
from edgekit.schedule.views import Root, Views, find_views

ScratchOf = Callable[[Node], int]
OverlapOf = Callable[[Node], Sequence[Overlap | None]]
CostOf = Callable[[Node], int | None]


@dataclass(frozen=True)
class Tensor:
    """Bytes of the arena or of the state that live and die together.

    A tensor is a whole value (with its reshapes), or a part of one where other parts are read or
    written apart from it.

    Attributes:
        value: the value that is written there.
        nbytes: bytes that hold data.
        size: bytes in the arena, rounded up to the alignment; 0 for state, which lives elsewhere.
        writer: task that writes it, None for what is there from the start.
        readers: mask of the tasks that read it.
        kept: True where it is needed after the last task.
        root, at: the bytes in one piece that it belongs to, and where it starts in them.
    """

    value: Value
    nbytes: int
    size: int
    writer: int | None
    readers: int
    kept: bool
    root: int
    at: int


class Lap(NamedTuple):
    """An input that a task's result may lie over.

    Attributes:
        tensors: the input.
        overlap: what the kernel tolerates.
        distance: of the result from the input where both roots are at the same place.
        source, target: bytes of input and result, rounded up to the alignment.
    """

    tensors: tuple[int, ...]
    overlap: Overlap
    distance: int
    source: int
    target: int


@dataclass(frozen=True)
class Task:
    """One node that takes a step.

    Attributes:
        node: the node.
        reads, writes: tensors, by index, each once.
        scratch: bytes that only this task uses.
        scratch_size: the same, rounded up to the alignment.
        needs: mask of the tasks whose results it reads.
        laps: inputs that its result may lie over; only for tasks with a single result.
    """

    node: Node
    reads: tuple[int, ...]
    writes: tuple[int, ...]
    scratch: int
    scratch_size: int
    needs: int
    laps: tuple[Lap, ...]


@dataclass(frozen=True)
class MemoryModel:
    """Everything that planning looks at.

    Attributes:
        graph: the graph.
        tasks: in the graph's order.
        tensors: inputs and states first, then in the order in which they are written.
        views: which values are parts of which roots.
        held: value name -> tensors that hold it.
        align: alignment in bytes of every offset.
    """

    graph: Graph
    tasks: tuple[Task, ...]
    tensors: tuple[Tensor, ...]
    views: Views
    held: Mapping[str, tuple[int, ...]]
    align: int

    def extent(self, name: str) -> tuple[int, int]:
        """Where a value starts in its root, and its bytes."""
        root, at = self.views.place[name]
        found = self.views.roots[root]
        assert found is not None
        return at - found.start, self.views.sizes[name]

    def names(self) -> list[list[str]]:
        """Names of each tensor: of the values that it holds whole and alone, the written one first;
        otherwise that of the value written there and which of its bytes."""
        found: list[list[str]] = [[] for _ in self.tensors]
        for name, parts in self.held.items():
            tensor = self.tensors[parts[0]]
            if len(parts) == 1 and self.extent(name) == (tensor.at, tensor.nbytes):
                found[parts[0]].insert(0 if name == tensor.value.name else len(found), name)
        for i, tensor in enumerate(self.tensors):
            if not found[i]:
                start = tensor.at - self.extent(tensor.value.name)[0]
                found[i] = [f"{tensor.value.name}[{start}:{start + tensor.nbytes}]"]
        return found

    def gap(self, lap: Lap, source: int, target: int) -> Gap:
        """Forbidden distances between the roots of a part of an input that dies in a task and of a
        part of the task's result."""
        whole = gap_between(lap.source, lap.target, lap.overlap, self.align)
        apart = self.apart(source, target)
        low, high = whole.low - lap.distance, whole.high - lap.distance
        return Gap(max(low, apart.low), min(high, apart.high))

    def apart(self, first: int, second: int) -> Gap:
        """Forbidden distances between the roots of two tensors that share no byte."""
        a, b = self.tensors[first], self.tensors[second]
        return Gap(a.at - b.at - b.size, a.at + a.size - b.at)

    def savings(self, task: Task) -> tuple[dict[int, int], int]:
        """Bytes that each tensor read can share with the result at best, and all of them."""
        found: dict[int, int] = {}
        total = 0
        for lap in task.laps:
            gap = gap_between(lap.source, lap.target, lap.overlap, self.align)
            # Its tensors may go on beyond the input; what lies there is free for the result.
            rest = max(sum(self.tensors[i].size for i in lap.tensors) - lap.source, 0)
            saved = lap.source + lap.target - union_bytes(lap.source, lap.target, gap) + rest
            found |= {i: min(saved, self.tensors[i].size) for i in lap.tensors}
            total += saved
        return found, min(total, sum(self.tensors[w].size for w in task.writes))

    def last_uses(self, order: Sequence[int]) -> list[int]:
        """Position in ``order`` of each tensor's last reader; ``len(order)`` for what is kept.

        A tensor that nobody reads lives in the step that writes it; an input (-1) not at all.
        """
        last = [-1] * len(self.tensors)
        for position, index in enumerate(order):
            for tensor in (*self.tasks[index].reads, *self.tasks[index].writes):
                last[tensor] = position
        return [len(order) if t.kept else last[i] for i, t in enumerate(self.tensors)]


def build_model(
    graph: Graph, scratch_of: ScratchOf, overlap_of: OverlapOf, align: int, parts: bool = False
) -> MemoryModel:
    """Describe a lowered graph.

    Args:
        graph: the graph.
        scratch_of: bytes of scratch that a node's kernel declares.
        overlap_of: what a node's kernel tolerates, by input; missing entries mean no overlap.
        align: alignment in bytes.
        parts: whether slices and joints of rows are views.
    """
    return _Builder(graph, find_views(graph, align, parts), align).build(scratch_of, overlap_of)


def round_up(size: int, align: int) -> int:
    """The smallest multiple of ``align`` that holds ``size``."""
    return -(-size // align) * align


def bits(mask: int) -> Iterator[int]:
    """Positions of the bits that are set, lowest first."""
    while mask:
        low = mask & -mask
        yield low.bit_length() - 1
        mask ^= low


class _Builder:
    """From views to tensors and tasks."""

    def __init__(self, graph: Graph, views: Views, align: int) -> None:
        self.graph, self.views, self.align = graph, views, align
        self.number = {id(n): i for i, n in enumerate(views.steps)}
        self.states = {s.state.name for s in graph.states}
        self.kept = [*graph.outputs, *(s.update for s in graph.states)]
        self.parts: dict[int, list[tuple[int, int, int]]] = {}  # root -> start, end, tensor
        self.held: dict[str, tuple[int, ...]] = {}
        self.tensors: list[Tensor] = []

    def build(self, scratch_of: ScratchOf, overlap_of: OverlapOf) -> MemoryModel:
        self._cut()
        tasks = [self._task(n, scratch_of(n), overlap_of(n)) for n in self.views.steps]
        held = {name: self.tensors_of(name) for name in self.views.place}
        return MemoryModel(
            self.graph, tuple(tasks), tuple(self.tensors), self.views, held, self.align
        )

    def tensors_of(self, name: str) -> tuple[int, ...]:
        """The tensors that hold a value."""
        found = self.held.get(name)
        if found is None:
            root, at = self.views.place[name]
            end = at + max(self.views.sizes[name], 1)
            found = tuple(t for a, b, t in self.parts[root] if a < end and (at < b or at == a))
            self.held[name] = found
        return found

    def _cut(self) -> None:
        """Cut every root where a value begins or ends that is read or written on its own."""
        cuts: dict[int, set[int]] = {}
        readers: list[tuple[Value, int]] = []
        for i, node in enumerate(self.views.steps):
            readers += [(v, i) for v in node.inputs if v is not None and not v.is_constant]
        for value in [*(v for v, _ in readers), *self.kept]:
            if not value.is_constant:
                root, at = self.views.place[value.name]
                cuts.setdefault(root, set()).update((at, at + value.type.nbytes))
        for index, found in enumerate(self.views.roots):
            if found is not None:
                self._cut_root(index, found, cuts.get(index, set()))
        masks = [0] * len(self.tensors)
        for value, reader in readers:
            for tensor in self.tensors_of(value.name):
                masks[tensor] |= 1 << reader
        kept = {t for v in self.kept if not v.is_constant for t in self.tensors_of(v.name)}
        self.tensors = [
            replace(t, readers=masks[i], kept=i in kept) for i, t in enumerate(self.tensors)
        ]

    def _cut_root(self, index: int, root: Root, cuts: set[int]) -> None:
        parts = self.parts[index] = []
        for start, end, value in sorted(root.written, key=lambda w: w[:2]):
            inside = sorted(c for c in cuts if start < c < end and not c % self.align)
            writer = None if value.producer is None else self.number[id(value.producer)]
            for a, b in zip([start, *inside], [*inside, end], strict=True):
                parts.append((a, b, len(self.tensors)))
                size = 0 if value.name in self.states else round_up(b - a, self.align)
                at = a - root.start
                self.tensors.append(Tensor(value, b - a, size, writer, 0, False, index, at))

    def _reads(self, node: Node) -> tuple[int, ...]:
        """Tensors that a node reads, each once, in order of its inputs."""
        used = [v for v in node.inputs if v is not None and not v.is_constant]
        return tuple(dict.fromkeys(t for v in used for t in self.tensors_of(v.name)))

    def _task(self, node: Node, scratch: int, declared: Sequence[Overlap | None]) -> Task:
        reads = self._reads(node)
        producers = {self.tensors[i].writer for i in reads}
        return Task(
            node=node,
            reads=reads,
            writes=tuple(t for v in node.outputs for t in self.tensors_of(v.name)),
            scratch=scratch,
            scratch_size=round_up(scratch, self.align),
            needs=sum(1 << p for p in producers if p is not None),
            laps=self._laps(node, declared) if len(node.outputs) == 1 else (),
        )

    def _laps(self, node: Node, declared: Sequence[Overlap | None]) -> tuple[Lap, ...]:
        """What may be used: of inputs in the arena that are read once by the node and not kept.

        A backward walk is for all inputs at once, so it is left to nodes that read one value.
        """
        inputs = [v for v in node.inputs if v is not None and not v.is_constant]
        held = [self.tensors_of(v.name) for v in inputs]
        root, at = self.views.place[node.output.name]
        found = []
        for value, overlap in zip(node.inputs, declared, strict=False):
            if value is None or value.is_constant or overlap is None:
                continue
            tensors = self.tensors_of(value.name)
            alone = sum(not set(tensors).isdisjoint(other) for other in held) == 1
            source, offset = self.views.place[value.name]
            usable = [t for t in tensors if self.tensors[t].size and not self.tensors[t].kept]
            if alone and usable and source != root:
                shift = at - self._start(root) - offset + self._start(source)
                kind = overlap if len(inputs) == 1 else Overlap(overlap.kind, overlap.forward)
                sizes = (round_up(v.type.nbytes, self.align) for v in (value, node.output))
                found.append(Lap(tuple(usable), kind, shift, *sizes))
        return tuple(found)

    def _start(self, root: int) -> int:
        found = self.views.roots[root]
        assert found is not None
        return found.start
