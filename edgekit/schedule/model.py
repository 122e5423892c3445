"""The memory model of a graph: tasks, the tensors they read and write, and what may overlap.

Sets of tasks and of tensors are bit masks in Python integers, which keeps the order search fast.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from edgekit.ir import Graph, Node, Value
from edgekit.ir.ops import Reshape
from edgekit.schedule.overlap import Gap, Overlap, gap_between, union_bytes

ScratchOf = Callable[[Node], int]
OverlapOf = Callable[[Node], Sequence[Overlap | None]]


@dataclass(frozen=True)
class Tensor:
    """A buffer of the arena or of the state, shared by a value and its reshapes.

    Attributes:
        value: the value that owns it.
        size: bytes in the arena, rounded up to the alignment; 0 for state, which lives elsewhere.
        writer: task that writes it, None for what is there from the start.
        readers: mask of the tasks that read it.
        kept: True where it is needed after the last task.
    """

    value: Value
    size: int
    writer: int | None
    readers: int
    kept: bool


@dataclass(frozen=True)
class Task:
    """One node that takes a step.

    Attributes:
        node: the node.
        reads, writes: tensors, by index, each once.
        scratch: bytes that only this task uses.
        scratch_size: the same, rounded up to the alignment.
        needs: mask of the tasks whose results it reads.
        overlaps: what it tolerates, by tensor read; only for tasks with a single result.
    """

    node: Node
    reads: tuple[int, ...]
    writes: tuple[int, ...]
    scratch: int
    scratch_size: int
    needs: int
    overlaps: Mapping[int, Overlap]


@dataclass(frozen=True)
class MemoryModel:
    """Everything that planning looks at.

    Attributes:
        graph: the graph.
        tasks: in the graph's order.
        tensors: inputs and states first, then in the order in which they are written.
        owner: value name -> tensor that holds it.
        align: alignment in bytes of every offset.
    """

    graph: Graph
    tasks: tuple[Task, ...]
    tensors: tuple[Tensor, ...]
    owner: Mapping[str, int]
    align: int

    def gap(self, task: Task, source: int) -> Gap:
        """Forbidden distances from an input that dies in ``task`` to the task's only result."""
        target = self.tensors[task.writes[0]].size
        overlap = task.overlaps.get(source)
        return gap_between(self.tensors[source].size, target, overlap, self.align)

    def savings(self, task: Task) -> dict[int, int]:
        """Bytes that an input and the result share at best, by tensor read."""
        found = {}
        for source in task.overlaps:
            sizes = self.tensors[source].size, self.tensors[task.writes[0]].size
            found[source] = sum(sizes) - union_bytes(*sizes, self.gap(task, source))
        return found

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
    graph: Graph, scratch_of: ScratchOf, overlap_of: OverlapOf, align: int
) -> MemoryModel:
    """Describe a lowered graph.

    Args:
        graph: the graph.
        scratch_of: bytes of scratch that a node's kernel declares.
        overlap_of: what a node's kernel tolerates, by input; missing entries mean no overlap.
        align: alignment in bytes.
    """
    owner, values = _owners(graph)
    states = {s.state.name for s in graph.states}
    nodes = [n for n in graph.nodes if not isinstance(n.op, Reshape)]
    writer = {owner[v.name]: i for i, n in enumerate(nodes) for v in n.outputs}
    readers = [0] * len(values)
    for i, node in enumerate(nodes):
        for index in _reads(node, owner):
            readers[index] |= 1 << i
    kept = {owner[v.name] for v in [*graph.outputs, *(s.update for s in graph.states)]}
    tensors = tuple(
        Tensor(
            value=v,
            size=0 if v.name in states else round_up(v.type.nbytes, align),
            writer=writer.get(i),
            readers=readers[i],
            kept=i in kept,
        )
        for i, v in enumerate(values)
    )
    tasks = tuple(_task(n, owner, tensors, scratch_of(n), overlap_of(n), align) for n in nodes)
    return MemoryModel(graph, tasks, tensors, owner, align)


def round_up(size: int, align: int) -> int:
    """The smallest multiple of ``align`` that holds ``size``."""
    return -(-size // align) * align


def bits(mask: int) -> Iterator[int]:
    """Positions of the bits that are set, lowest first."""
    while mask:
        low = mask & -mask
        yield low.bit_length() - 1
        mask ^= low


def _owners(graph: Graph) -> tuple[dict[str, int], list[Value]]:
    """Value name -> tensor that holds its bytes, and the value that each tensor is named after."""
    values = [*graph.inputs, *(s.state for s in graph.states)]
    owner = {v.name: i for i, v in enumerate(values)}
    for node in graph.nodes:
        for value in node.outputs:
            source = node.inputs[0] if isinstance(node.op, Reshape) else None
            if source is not None and not source.is_constant:
                owner[value.name] = owner[source.name]
            else:
                owner[value.name] = len(values)
                values.append(value)
    return owner, values


def _reads(node: Node, owner: Mapping[str, int]) -> tuple[int, ...]:
    """Tensors that a node reads, each once, in order of its inputs."""
    used = [owner[v.name] for v in node.inputs if v is not None and not v.is_constant]
    return tuple(dict.fromkeys(used))


def _task(
    node: Node,
    owner: Mapping[str, int],
    tensors: Sequence[Tensor],
    scratch: int,
    declared: Sequence[Overlap | None],
    align: int,
) -> Task:
    reads = _reads(node, owner)
    producers = [tensors[i].writer for i in reads]
    return Task(
        node=node,
        reads=reads,
        writes=tuple(owner[v.name] for v in node.outputs),
        scratch=scratch,
        scratch_size=round_up(scratch, align),
        needs=sum(1 << p for p in set(producers) if p is not None),
        overlaps=_overlaps(node, owner, tensors, declared) if len(node.outputs) == 1 else {},
    )


def _overlaps(
    node: Node,
    owner: Mapping[str, int],
    tensors: Sequence[Tensor],
    declared: Sequence[Overlap | None],
) -> dict[int, Overlap]:
    """What may be used: of inputs in the arena that are read once by the node and not kept.

    A backward walk is for all inputs at once, so it is left to nodes that read one tensor.
    """
    found: dict[int, Overlap] = {}
    reads = _reads(node, owner)
    for value, overlap in zip(node.inputs, declared, strict=False):
        if value is None or value.is_constant or overlap is None:
            continue
        index = owner[value.name]
        times = sum(v is not None and owner.get(v.name) == index for v in node.inputs)
        if times == 1 and not tensors[index].kept and tensors[index].size:
            alone = overlap if len(reads) == 1 else Overlap(overlap.kind, overlap.forward)
            found[index] = alone
    return found
