"""``python -m profiles.bench [--output FILE] [--model KEY]...``."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from edgekit.errors import EdgekitError
from edgekit.files import write_atomic
from profiles.bench.cycles import cycles_section, run_cycles
from profiles.bench.fast import fast_section, run_fast
from profiles.bench.floats import run_floats
from profiles.bench.host import host_section
from profiles.bench.layers import layers_section
from profiles.bench.measure import measure_times, run_models
from profiles.bench.memory import memory_section, run_memory, run_steps
from profiles.bench.models import ROOT, models
from profiles.bench.optimize import optimize_section, run_optimize
from profiles.bench.page import write_page
from profiles.bench.planning import planning_section
from profiles.bench.sparse import sparse_section
from profiles.bench.spilling import spilling_section


def main() -> int:
    """Entry point."""
    parser = argparse.ArgumentParser(prog="python -m profiles.bench", description=__doc__)
    keys = [m.key for m in models()]
    parser.add_argument("--output", type=Path, default=ROOT / "docs" / "benchmarks.md")
    parser.add_argument("--model", action="append", choices=keys, help="default: every model")
    given = parser.parse_args()
    chosen = [m for m in models() if not given.model or m.key in given.model]

    def log(text: str) -> None:
        print(text, file=sys.stderr, flush=True)

    try:
        runs = list(run_models(chosen, log))
        floats = list(run_floats(chosen, log))
        cycles = cycles_section(list(run_cycles(chosen, log)))
        memory = memory_section(list(run_memory(chosen, log)), list(run_steps(chosen, log)))
        fast = fast_section(list(run_fast(chosen, log)))
        levels = optimize_section(list(run_optimize(chosen, log)))
        log("planning branching networks")
        planned = planning_section()
        log("planning spills")
        others = [layers_section(log), *sparse_section(chosen, log), *host_section(chosen, log)]
        sections = "\n".join([cycles, levels, fast, memory, planned, spilling_section(), *others])
        page = write_page(runs, measure_times(chosen, log), sections, floats)
    except EdgekitError as error:
        log(str(error))
        return error.exit_code
    write_atomic(given.output, page)
    log(f"wrote {given.output}")
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
