"""Planning branching networks: time, memory and proofs, for docs/benchmarks.md.

``python -m profiles.bench.planning`` prints the section alone; ``--one KIND TASKS WIDTH SEED
SECONDS`` measures one network in a process of its own, so that its peak memory is its own.
"""

from __future__ import annotations

import json
import resource
import subprocess
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass
from statistics import mean

from edgekit.ir import Node
from edgekit.schedule import PlanOptions, plan, verify_program
from profiles.bench.networks import cells, strands, wired

KINDS = {"cells": cells, "strands": strands}
OTHERS = {"wired": wired}
"""Only for short limits: without a search their tensors live long and are many at a time."""
SIZES = (10, 30, 100, 300, 1000, 2000)
NETWORKS = [(tasks, width) for width in (3, 4, 6, 8) for tasks in (74, 150, 290)]
SEED = 1
LIMIT = 10.0
NARROW_LIMIT, WIDE_LIMIT = 15.0, 60.0
SHORT_LIMITS = (1.0, 2.0, 5.0)
RANDOM = 500
HEAD = "| network | tasks | width | limit | seconds | peak MB | first fit | arena | bound | gap |"


def planning_section(random_graphs: int = RANDOM) -> str:
    """The section of the page."""
    rows = [(kind, n, 4, LIMIT) for kind in KINDS for n in SIZES]
    wide = [
        (kind, n, w, WIDE_LIMIT if w > 4 else NARROW_LIMIT) for kind in KINDS for n, w in NETWORKS
    ]
    short = [(kind, SIZES[-1], 8, s) for kind in {**KINDS, **OTHERS} for s in SHORT_LIMITS]
    saved, worse = _random_graphs(random_graphs)
    tables = [measured_table(r) for r in (rows, wide, short)]
    over = max(table.largest for table in tables)
    return "\n".join(
        [
            "## Planning",
            "",
            "Branching networks from `profiles/bench/networks.py` (fixed seeds, sizes in bytes): "
            "order and placement searched, no overlaps. First fit is greedy by size in the given "
            "order. Gap 0 is a proof that no order and placement need less. Peak memory is that "
            "of the whole process. "
            "Seconds are those of processor time, and the limit is kept: at most "
            f"{100 * over:.0f} % of it was taken.",
            "",
            f"By size, time limit {LIMIT:g} s:",
            "",
            *tables[0].lines,
            "",
            f"By width, time limit {NARROW_LIMIT:g} s up to width 4 and {WIDE_LIMIT:g} s above:",
            "",
            *tables[1].lines,
            "",
            "Large networks in short limits:",
            "",
            *tables[2].lines,
            "",
            f"{random_graphs} random networks of 12 to 31 tasks and width 2 to 5, time limit 2 s: "
            f"{100 * saved:.1f} % less than first fit on average, {worse} worse.",
            "",
        ]
    )


@dataclass(frozen=True)
class Table:
    """A table of the page, and the largest part of a time limit that was taken in it."""

    lines: list[str]
    largest: float


def measured_table(rows: Sequence[tuple[str, int, int, float]]) -> Table:
    """A row for each network: kind, tasks, width and time limit."""
    lines, largest = [HEAD, "|" + "---|" * 10], 0.0
    for kind, tasks, width, seconds in rows:
        command = ["--one", kind, str(tasks), str(width), str(SEED), str(seconds)]
        text = subprocess.run(
            [sys.executable, "-m", "profiles.bench.planning", *command],
            capture_output=True, text=True, check=True,
        ).stdout  # fmt: skip
        f = json.loads(text)
        lines.append(
            f"| {kind} | {f['tasks']} | {width} | {seconds:g} | "
            f"{f['seconds']:.2f} | {f['megabytes']:.0f} | "
            f"{f['first_fit']:,} | {f['arena']:,} | {f['bound']:,} | {f['gap']:,} |"
        )
        largest = max(largest, f["seconds"] / seconds)
    return Table(lines, largest)


def _nothing(node: Node) -> int:
    return 0


def measure(kind: str, tasks: int, width: int, seed: int, seconds: float) -> dict[str, float]:
    """Plan one network and check the plan."""
    graph = {**KINDS, **OTHERS}[kind](tasks, width, seed)
    start = time.process_time()  # of this process alone, whatever else the machine does
    program = plan(graph, _nothing, options=PlanOptions(("order",), seconds))
    taken = time.process_time() - start
    verify_program(program)
    return {
        "tasks": len(program.steps),
        "seconds": taken,
        "megabytes": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024,
        "first_fit": plan(graph, _nothing).arena_bytes,
        "arena": program.arena_bytes,
        "bound": program.certificate.bound_bytes,
        "gap": program.gap_bytes,
    }


def _random_graphs(count: int) -> tuple[float, int]:
    """Mean saving against first fit, and how many plans are worse."""
    ratios = []
    for seed in range(count):
        kind = ("cells", "strands")[seed % 2]
        found = measure(kind, 12 + seed % 20, 2 + seed % 4, seed, 2.0)
        ratios.append(found["arena"] / found["first_fit"])
    return 1 - mean(ratios), sum(r > 1 for r in ratios)


def main(arguments: Sequence[str]) -> None:
    """Entry point."""
    if arguments[:1] == ["--one"]:
        kind, tasks, width, seed, seconds = arguments[1:]
        print(json.dumps(measure(kind, int(tasks), int(width), int(seed), float(seconds))))
    else:
        print(planning_section())


if __name__ == "__main__":
    main(sys.argv[1:])
