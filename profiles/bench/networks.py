"""Branching graphs as architecture search makes them, with fixed seeds."""

from __future__ import annotations

import random
from collections.abc import Sequence

from edgekit.ir import DType, Graph, TensorType, Value
from edgekit.ir.ops import Clip, Concat


def _task(graph: Graph, values: Sequence[Value], size: int) -> Value:
    """A task of which only what it reads and how much it writes is of interest."""
    op = Clip() if len(values) == 1 else Concat(1)
    return graph.add_node(op, list(values), TensorType((1, size), DType.INT8)).output


def _start(name: str) -> tuple[Graph, Value]:
    graph = Graph(name)
    return graph, graph.add_input("x", TensorType((1, 1024), DType.INT8))


def cells(tasks: int, width: int, seed: int) -> Graph:
    """Cells of ``width`` two-operand blocks whose operands come from the two cells before or from
    the cell itself; no task but the first and the last is on every path."""
    chance = random.Random(seed)

    def size() -> int:
        return 4 * chance.randint(128, 1024) // chance.choice([1, 2, 4])

    graph, x = _start("cells")
    older = newer = _task(graph, [x], 1024)
    while len(graph.nodes) < tasks:
        made = [older, newer]
        for _ in range(width):
            pair = [_task(graph, [chance.choice(made)], size()) for _ in range(2)]
            made.append(_task(graph, pair, size()))
        loose = [v for v in made[2:] if not v.uses]
        older, newer = newer, _task(graph, loose, size())
    graph.outputs = [newer]
    return graph


def strands(tasks: int, width: int, seed: int) -> Graph:
    """``width`` strands with links between them from the first task to the last."""
    chance = random.Random(seed)
    graph, x = _start("strands")
    ends = [x] * width
    for _ in range(tasks - 1):
        strand, size = chance.randrange(width), 4 * chance.randint(16, 1024)
        other = chance.choice(ends)
        if chance.random() < 0.4 and other is not ends[strand]:
            ends[strand] = _task(graph, [ends[strand], other], size)
        else:
            ends[strand] = _task(graph, [ends[strand]], size)
    graph.outputs = [_task(graph, list(dict.fromkeys(ends)), 64)]
    return graph
