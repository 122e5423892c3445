"""A stage of a graph, executed in strips of rows: the same numbers, computed piece by piece.

Only the rows that the next layers need are there at any time. Rows that one strip and the next
both need are kept where they are, moved to the next strip's buffer, or computed again. Methods:
patch-based inference (MCUNetV2, Lin et al., 2021) recomputes them; streaming line buffers are as
old as hardware pipelines. Slices and joints of rows move no bytes (`edgekit.schedule.views`).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from edgekit.ir import Graph, Node, TensorType, Value
from edgekit.ir.ops import Concat, Slice
from edgekit.schedule.rolling import Carry, Rolling, roll
from edgekit.schedule.rows import ROW, Rows, refusal, restrict, rows_read

CARRIED: dict[Carry, str] = {"keep": "kept in place", "move": "moved", "again": "computed again"}


@dataclass(frozen=True)
class Stage:
    """Neighbouring nodes of a graph, and how they are executed.

    Attributes:
        nodes: their names, in the order in which they run.
        strips: number of strips.
        carry: what happens to rows that later strips need again.
    """

    nodes: tuple[str, ...]
    strips: int
    carry: Carry

    def __str__(self) -> str:
        first, last = self.nodes[0], self.nodes[-1]
        where = first if first == last else f"{first} to {last}"
        return f"{where} in {self.strips} strips, shared rows {CARRIED[self.carry]}"


def in_strips(graph: Graph, stages: Sequence[Stage]) -> Graph:
    """A copy of a lowered graph with some stages in strips.

    Args:
        graph: lowered graph.
        stages: none overlaps another.

    Raises:
        ValueError: a stage has nodes that the graph does not have, that cannot be executed in
            ranges of rows, or that cannot run one after the other.
    """
    result = graph.copy()
    for stage in stages:
        _Splitter(result, _gather(result, stage.nodes), stage).run()
    return result


def _gather(graph: Graph, names: Sequence[str]) -> list[Node]:
    """The nodes of these names, brought together in the graph's order."""
    by_name = {n.name: n for n in graph.nodes}
    unknown = [f"'{name}'" for name in names if name not in by_name]
    if unknown or not names or len(set(names)) < len(names):
        raise ValueError(f"a stage has unknown or repeated nodes: {', '.join(unknown) or names}")
    wanted = {id(by_name[name]) for name in names}
    places = [i for i, n in enumerate(graph.nodes) if id(n) in wanted]
    first, stop = places[0], places[-1] + 1
    follows = set(wanted)
    ahead: list[Node] = []
    behind: list[Node] = []
    for node in graph.nodes[first:stop]:
        producers = {id(v.producer) for v in node.inputs if v is not None}
        if id(node) not in wanted and producers.isdisjoint(follows):
            ahead.append(node)
        elif id(node) not in wanted:
            behind.append(node)
            follows.add(id(node))
        elif not producers.isdisjoint(map(id, behind)):
            raise ValueError(f"'{node.name}' needs what other nodes make of its stage")
    nodes = [graph.nodes[i] for i in places]
    before, after = graph.nodes[:first], graph.nodes[stop:]
    graph.reorder([*before, *ahead, *nodes, *behind, *after])
    return nodes


class _Splitter:
    def __init__(self, graph: Graph, nodes: list[Node], stage: Stage) -> None:
        for node in nodes:
            if why := refusal(node):
                raise ValueError(f"'{node.name}' cannot be split: {why}")
        self.graph, self.nodes, self.stage = graph, nodes, stage
        inside = {id(n) for n in nodes}
        exits = {
            n.output.name
            for n in nodes
            if graph.is_output(n.output) or any(id(user) not in inside for user, _ in n.output.uses)
        }
        self.rolling = roll(nodes, exits, stage.strips, stage.carry)
        self.held: dict[str, tuple[Rows, Value]] = {}

    def run(self) -> None:
        for strip in range(self.stage.strips):
            for node in self.nodes:
                rows = self.rolling[node.output.name].new[strip]
                if rows is not None:
                    self._compute(node, rows, strip)
        for name, item in self.rolling.items():
            if item.exit:
                whole = self.held[name][1]
                whole.origin = (*whole.origin, *item.value.origin)
                self.graph.replace_uses(item.value, whole)
        for node in reversed(self.nodes):
            self.graph.remove_node(node)

    def _compute(self, node: Node, rows: Rows, strip: int) -> None:
        """Write new rows behind those that are still needed; these move first."""
        item = self.rolling[node.output.name]
        start, tail = self._tail(item, rows, strip)
        inputs = [self._read(node, i, rows) for i in range(len(node.inputs))]
        made = self.graph.add_node(
            restrict(node, rows),
            inputs,
            _row_type(item.value.type, rows.height),
            name=f"{node.name}_{strip}",
            origin=node.origin,
            before=self.nodes[0],
        ).output
        if tail is not None:
            type = _row_type(item.value.type, rows.stop - start)
            joint = self.graph.add_node(
                Concat(ROW), [tail, made], type, name="rows", before=self.nodes[0]
            )
            made = joint.output
        self.held[node.output.name] = Rows(start, rows.stop), made

    def _tail(self, item: Rolling, rows: Rows, strip: int) -> tuple[int, Value | None]:
        """The rows before new ones that are still needed: the first, and a value that holds them;
        None where there are none."""
        held = self.held.get(item.value.name)
        if held is None or (self.stage.carry == "again" and not item.exit):
            return rows.start, None
        there, value = held
        if self.stage.carry != "move" or item.exit:
            return there.start, value
        needed = item.first_needed(strip)
        if needed is None or needed >= there.stop:
            return rows.start, None
        if needed == there.start:
            return needed, value
        tail = self._part(value, there, Rows(needed, there.stop), item.value.name)
        return needed, self._slice(tail, Rows(0, there.stop - needed), "moved")

    def _read(self, node: Node, index: int, rows: Rows) -> Value | None:
        value = node.inputs[index]
        read = rows_read(node, index, rows)
        if value is None or read is None:
            return value
        whole = Rows(0, value.type.shape[ROW]), value
        there, holder = self.held.get(value.name, whole)
        return self._part(holder, there, read, value.name)

    def _part(self, value: Value, there: Rows, rows: Rows, name: str) -> Value:
        """Some rows of a value that holds the rows ``there``."""
        if there == rows:
            return value
        return self._slice(value, Rows(rows.start - there.start, rows.stop - there.start), name)

    def _slice(self, value: Value, rows: Rows, name: str) -> Value:
        starts, sizes = [0] * 4, list(value.type.shape)
        starts[ROW], sizes[ROW] = rows.start, rows.height
        return self.graph.add_node(
            Slice(tuple(starts), tuple(sizes), (1,) * 4),
            [value],
            _row_type(value.type, rows.height),
            name=f"{name}_rows",
            before=self.nodes[0],
        ).output


def _row_type(type: TensorType, rows: int) -> TensorType:
    shape = list(type.shape)
    shape[ROW] = rows
    return replace(type, shape=tuple(shape))


def extra_macs(graph: Graph, split: Graph) -> int:
    """Multiply-accumulates that strips add."""
    return split.macs() - graph.macs()
