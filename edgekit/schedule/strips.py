"""A stage of a graph, executed in strips of rows: the same numbers, computed piece by piece.

Only the rows that the next layers need are there at any time. Rows that one strip and the next
both need are kept where they are, moved to the next strip's buffer, or computed again. Methods:
patch-based inference (MCUNetV2, Lin et al., 2021) recomputes them; streaming line buffers are as
old as hardware pipelines. Slices and joints of rows move no bytes (`edgekit.schedule.views`).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Literal

from edgekit.ir import Graph, Node, TensorType, Value
from edgekit.ir.ops import Concat, Slice
from edgekit.schedule.rows import ROW, Rows, refusal, restrict, rows_read

Carry = Literal["keep", "move", "again"]
"""What happens to rows that later strips need again: they keep their place, move to the front of
the next strip's buffer, or are computed again."""


@dataclass(frozen=True)
class Stage:
    """Neighbouring nodes of a graph, and how they are executed.

    Attributes:
        first, last: names of the first and the last node, in the graph's order.
        strips: number of strips.
        carry: what happens to rows that later strips need again.
    """

    first: str
    last: str
    strips: int
    carry: Carry

    def __str__(self) -> str:
        kept = {"keep": "kept in place", "move": "moved", "again": "computed again"}[self.carry]
        where = self.first if self.first == self.last else f"{self.first} to {self.last}"
        return f"{where} in {self.strips} strips, shared rows {kept}"


def stage_nodes(graph: Graph, stage: Stage) -> list[Node]:
    """The nodes of a stage."""
    names = [n.name for n in graph.nodes]
    return graph.nodes[names.index(stage.first) : names.index(stage.last) + 1]


def in_strips(graph: Graph, stages: Sequence[Stage]) -> Graph:
    """A copy of a lowered graph with some stages in strips.

    Args:
        graph: lowered graph; its nodes in the order in which they will run.
        stages: none overlaps another.

    Raises:
        ValueError: a node of a stage cannot be executed in ranges of rows.
    """
    result = graph.copy()
    for stage in stages:
        _Splitter(result, stage_nodes(result, stage), stage).run()
    return result


@dataclass
class _Rolling:
    """A tensor of the stage that comes strip by strip.

    Attributes:
        value: the original.
        exit: True where it is needed whole after the stage.
        done: rows computed so far.
        held: the rows that are there, and the value that holds them.
        needed: rows needed in each strip, and from it on.
    """

    value: Value
    exit: bool
    done: int = 0
    held: tuple[Rows, Value] | None = None
    needed: list[Rows | None] = field(default_factory=list)


class _Splitter:
    def __init__(self, graph: Graph, nodes: list[Node], stage: Stage) -> None:
        for node in nodes:
            if why := refusal(node):
                raise ValueError(f"'{node.name}' cannot be split: {why}")
        self.graph, self.nodes, self.stage = graph, nodes, stage
        inside = {id(n) for n in nodes}
        self.rolling = {
            node.output.name: _Rolling(
                node.output,
                graph.is_output(node.output)
                or any(id(user) not in inside for user, _ in node.output.uses),
            )
            for node in nodes
        }

    def run(self) -> None:
        strips = self.stage.strips
        new = [self._demand(strip) for strip in range(strips)]
        for strip in range(strips):
            for node in self.nodes:
                rows = new[strip][node.output.name]
                if rows is not None:
                    self._compute(node, rows, strip)
        for item in self.rolling.values():
            if item.exit and item.held is not None:
                item.held[1].origin = (*item.held[1].origin, *item.value.origin)
                self.graph.replace_uses(item.value, item.held[1])
        for node in reversed(self.nodes):
            self.graph.remove_node(node)

    def _demand(self, strip: int) -> dict[str, Rows | None]:
        """Rows of each tensor that a strip computes; notes those that it needs."""
        wanted: dict[str, Rows] = {}
        new: dict[str, Rows | None] = {}
        for node in reversed(self.nodes):
            item = self.rolling[node.output.name]
            height = item.value.type.shape[ROW]
            need = wanted.get(node.output.name)
            if item.exit:
                part = Rows(*(k * height // self.stage.strips for k in (strip, strip + 1)))
                need = part.hull(need) if part.height else need
            item.needed.append(need)
            rows = None
            if need is not None and self._again(item):
                rows = need
            elif need is not None and need.stop > item.done:
                rows = Rows(item.done, need.stop)
                item.done = need.stop
            new[node.output.name] = rows
            if rows is not None:
                self._want(node, rows, wanted)
        return new

    def _want(self, node: Node, rows: Rows, wanted: dict[str, Rows]) -> None:
        for index, value in enumerate(node.inputs):
            read = rows_read(node, index, rows)
            if value is not None and read is not None and value.name in self.rolling:
                wanted[value.name] = read.hull(wanted.get(value.name))

    def _again(self, item: _Rolling) -> bool:
        return self.stage.carry == "again" and not item.exit

    def _compute(self, node: Node, rows: Rows, strip: int) -> None:
        item = self.rolling[node.output.name]
        inputs = [self._read(node, i, rows) for i in range(len(node.inputs))]
        made = self.graph.add_node(
            restrict(node, rows),
            inputs,
            _row_type(item.value.type, rows.height),
            name=f"{node.name}_{strip}",
            origin=node.origin,
            before=self.nodes[0],
        ).output
        item.held = self._join(item, rows, made, strip)

    def _join(self, item: _Rolling, rows: Rows, made: Value, strip: int) -> tuple[Rows, Value]:
        """What is there after new rows: they alone, or behind what is still needed."""
        if item.held is None or self._again(item):
            return rows, made
        there, value = item.held
        start = there.start
        if self.stage.carry == "move" and not item.exit:
            later = [n.start for n in item.needed[strip:] if n is not None]
            start = min(later, default=rows.start)
        if start >= there.stop:
            return rows, made
        tail = self._part(value, there, Rows(start, there.stop), item.value.name)
        type = _row_type(item.value.type, rows.stop - start)
        joint = self.graph.add_node(
            Concat(ROW), [tail, made], type, name="rows", before=self.nodes[0]
        )
        return Rows(start, rows.stop), joint.output

    def _read(self, node: Node, index: int, rows: Rows) -> Value | None:
        value = node.inputs[index]
        read = rows_read(node, index, rows)
        if value is None or read is None:
            return value
        item = self.rolling.get(value.name)
        if item is None:
            return self._part(value, Rows(0, value.type.shape[ROW]), read, value.name)
        assert item.held is not None
        return self._part(item.held[1], item.held[0], read, value.name)

    def _part(self, value: Value, there: Rows, rows: Rows, name: str) -> Value:
        """Some rows of a value that holds the rows ``there``."""
        if there == rows:
            return value
        starts, sizes = [0] * 4, list(value.type.shape)
        starts[ROW], sizes[ROW] = rows.start - there.start, rows.height
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
