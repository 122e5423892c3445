"""Branching graphs as architecture search makes them, with fixed seeds."""

from __future__ import annotations

import random

from edgekit.ir import Graph, Value
from tests.schedule.graphs import join, keep, resize, vector


def cells(tasks: int, width: int, seed: int) -> Graph:
    """Cells of ``width`` two-operand blocks whose operands come from the two cells before or from
    the cell itself; no task but the first and the last is on every path."""
    chance = random.Random(seed)

    def size() -> int:
        return 4 * chance.randint(128, 1024) // chance.choice([1, 2, 4])

    graph = Graph("cells")
    older = newer = keep(graph, graph.add_input("x", vector(1024)))
    while len(graph.nodes) < tasks:
        made = [older, newer]
        for _ in range(width):
            pair = [resize(graph, chance.choice(made), size()) for _ in range(2)]
            made.append(join(graph, pair, size=size()))
        loose = [v for v in made[2:] if not v.uses]
        older, newer = newer, join(graph, loose, size=size())
    graph.outputs = [newer]
    return graph


def strands(tasks: int, width: int, seed: int) -> Graph:
    """``width`` strands with links between them from the first task to the last."""
    chance = random.Random(seed)
    graph = Graph("strands")
    ends: list[Value] = [graph.add_input("x", vector(1024))] * width
    for _ in range(tasks - 1):
        strand, size = chance.randrange(width), 4 * chance.randint(16, 1024)
        other = chance.choice(ends)
        if chance.random() < 0.4 and other is not ends[strand]:
            ends[strand] = join(graph, [ends[strand], other], size=size)
        else:
            ends[strand] = resize(graph, ends[strand], size)
    graph.outputs = [join(graph, list(dict.fromkeys(ends)), size=64)]
    return graph
