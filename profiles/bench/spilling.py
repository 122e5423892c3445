"""Spills between a scratchpad and a slow memory, against Belady's rule in the given order.

``python -m profiles.bench.spilling`` prints the section of docs/benchmarks.md alone.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import count, islice
from statistics import mean

from edgekit.ir import Graph, Node
from edgekit.schedule.model import build_model
from edgekit.schedule.plan import ALIGN, no_overlap
from edgekit.schedule.scratchpad import Scratchpad
from edgekit.schedule.space import Space
from edgekit.schedule.spill import belady, plan_spills
from edgekit.schedule.spill_check import verify_spills
from profiles.bench.networks import cells, modules, strands, tiled, wired

KINDS = {
    "modules": (modules, 6),
    "cells": (cells, 8),
    "strands": (strands, 8),
    "wired": (wired, 6),
}
"""Generators and the width that they are asked for."""
SHAPES = ((74, 1), (40, 2), (24, 4))
"""Tasks, and parts of each tensor."""
GRAPHS = 3
"""Of each kind and shape."""
LIMIT = 6.0
ROOM = 1.25
"""Scratchpad, in working sets of the largest task."""
PEAK = 2.0
"""Least peak of the given order, likewise."""


def no_scratch(node: Node) -> int:
    """These tasks have none."""
    return 0


@dataclass(frozen=True)
class Found:
    """One network: bytes moved beyond what is compulsory."""

    given: int
    planned: int
    bound: int

    @property
    def saved(self) -> float:
        """Part of the bytes that are not moved."""
        return 1 - self.planned / self.given


def scratchpad_bytes(graph: Graph) -> int | None:
    """The scratchpad of a network; None where its peak in the given order is too low."""
    model = build_model(graph, no_scratch, no_overlap, ALIGN)
    largest = max(Scratchpad(model, 0).work)
    space = Space(model)
    peak, _ = space.walk(space.first(), range(len(model.tasks)))
    return int(ROOM * largest) // ALIGN * ALIGN if peak >= PEAK * largest else None


def networks(kind: str, tasks: int, parts: int) -> Iterator[tuple[Graph, int]]:
    """Networks with a peak that is high enough, in order of their seeds, with their scratchpad."""
    make, width = KINDS[kind]
    for seed in count():
        graph = make(tasks, width, seed)
        graph = tiled(graph, parts, seed) if parts > 1 else graph
        capacity = scratchpad_bytes(graph)
        if capacity is not None:
            yield graph, capacity


def measure(graph: Graph, capacity: int, seconds: float) -> Found:
    """Plan one network; the checker replays the plan."""
    plan = plan_spills(graph, no_scratch, capacity, seconds)
    moved = verify_spills(plan, graph, no_scratch)
    return Found(belady(graph, no_scratch, capacity), moved, plan.bound_bytes)


def spilling_section(graphs: int = GRAPHS, seconds: float = LIMIT) -> str:
    """The section of the page."""
    rows = []
    whole: list[float] = []
    tiles: list[float] = []
    for kind in KINDS:
        for tasks, parts in SHAPES:
            found = [
                measure(graph, capacity, seconds)
                for graph, capacity in islice(networks(kind, tasks, parts), graphs)
            ]
            saved = [f.saved for f in found]
            (tiles if parts > 1 else whole).extend(saved)
            figures = (
                mean(f.given for f in found),
                mean(f.planned for f in found),
                mean(f.bound for f in found),
            )
            rows.append(
                f"| {kind} | {tasks} | {KINDS[kind][1]} | {parts if parts > 1 else 'no'} | "
                + " | ".join(f"{v:,.0f}" for v in figures)
                + f" | {100 * mean(saved):.1f} % | {100 * min(saved):.1f} % |"
            )
    return "\n".join(
        [
            "## Spills between a scratchpad and a slow memory",
            "",
            f"Networks whose peak in the given order is at least {PEAK:g} times the working set of "
            f"their largest task, with a scratchpad of {ROOM:g} such working sets. With tiling "
            "every tensor is in 2 or 4 pieces of rows with a task for each, working sets are those "
            "of the tiles, and half of the layers have windows, whose tiles read the neighbouring "
            "pieces too. The given order is that in which a generator wrote the network, with "
            "tiling layer by layer and in each layer tile after tile. Bytes moved beyond the first "
            "load of inputs and the store of outputs: in the given order by Belady's rule "
            "(placement ignored, so that no placement moves less by that rule), and with order, "
            f"placement and spills planned together (time limit {seconds:g} s, replayed by the "
            "checker). Bound: no order moves less, by what must be alive at once. The first "
            f"{graphs} networks of each kind by seed whose peak is high enough.",
            "",
            "| network | tasks | width | tiles | Belady | planned | bound | saved | least saved |",
            "|" + "---|" * 9,
            *rows,
            "",
            f"Average without tiling: **{100 * mean(whole):.1f} % less** ({len(whole)} networks); "
            f"with tiling: **{100 * mean(tiles):.1f} % less** ({len(tiles)} networks).",
            "",
        ]
    )


if __name__ == "__main__":
    print(spilling_section())
