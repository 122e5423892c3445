"""Branching graphs as architecture search makes them, with fixed seeds."""

from __future__ import annotations

import random
from collections.abc import Callable, Sequence

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


def modules(tasks: int, width: int, seed: int) -> Graph:
    """Modules of ``width`` branches that meet at their end, written level by level as exporters
    walk a graph in breadth."""
    chance = random.Random(seed)

    def size() -> int:
        return 4 * chance.randint(128, 512)

    graph, x = _start("modules")
    value = _task(graph, [x], size())
    while len(graph.nodes) < tasks:
        ends = [value] * width
        for _ in range(chance.randint(2, 4)):
            made = []
            for end in ends:
                other = chance.choice(ends)
                crossed = chance.random() < 0.3 and other is not end
                made.append(_task(graph, [end, other] if crossed else [end], size()))
            ends = made
        value = _joined(graph, ends, size)
    graph.outputs = [value]
    return graph


def wired(tasks: int, width: int, seed: int) -> Graph:
    """Each task reads one or two of the last ``2 * width`` results, whichever chance picks."""
    chance = random.Random(seed)

    def size() -> int:
        return 4 * chance.randint(128, 512)

    graph, x = _start("wired")
    made = [_task(graph, [x], size())]
    while len(graph.nodes) < tasks:
        near = made[-2 * width :]
        pair = dict.fromkeys([chance.choice(near), chance.choice(near)])
        made.append(_task(graph, list(pair), size()))
    graph.outputs = [_joined(graph, [v for v in made if not v.uses], size)]
    return graph


def _joined(graph: Graph, values: Sequence[Value], size: Callable[[], int]) -> Value:
    """One value from many, two at a time."""
    while len(values) > 1:
        pairs = [values[i : i + 2] for i in range(0, len(values), 2)]
        values = [_task(graph, p, size()) if len(p) > 1 else p[0] for p in pairs]
    return values[0]


def tiled(graph: Graph, parts: int, seed: int) -> Graph:
    """The same network with every tensor in ``parts`` pieces of rows and a task for each.

    Half of the tasks work row by row; the others have a window and read the neighbours' pieces too.
    """
    chance = random.Random(seed)
    made = Graph(f"{graph.name}_tiled")
    pieces: dict[str, list[Value]] = {}
    for value in graph.inputs:
        kind = TensorType((1, -(-value.type.size // parts)), DType.INT8)
        pieces[value.name] = [made.add_input(f"{value.name}_{i}", kind) for i in range(parts)]
    for node in graph.nodes:
        reach = chance.randint(0, 1)
        size = -(-node.output.type.size // parts)
        sources = [pieces[v.name] for v in node.inputs if v is not None]
        pieces[node.output.name] = [
            _task(made, [p for s in sources for p in s[max(0, i - reach) : i + reach + 1]], size)
            for i in range(parts)
        ]
    made.outputs = [p for v in graph.outputs for p in pieces[v.name]]
    return made
