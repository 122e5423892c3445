"""What each value of ``--optimize`` makes of a model: instructions beside flash and memory.

``python -m profiles.bench.optimize`` prints the section of docs/benchmarks.md alone.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import get_args

from edgekit import api
from edgekit.errors import ToolError
from edgekit.options import Optimize, ToolchainChoice
from edgekit.report.model import Report
from profiles.bench.markdown import number, table
from profiles.bench.measure import TIMING_CORE, Log
from profiles.bench.models import BenchModel, models

COMPILER: ToolchainChoice = "gcc"
"""One for all, so that figures differ by the kernels alone."""


LEVELS: tuple[Optimize, ...] = get_args(Optimize)
PAYING: tuple[tuple[str, str], ...] = (("ic", "cortex-m3"), ("ic", "rv32imc"))
"""Models and further cores on which flash pays: ``speed`` and ``fastest`` alone."""


@dataclass(frozen=True)
class OptimizeRun:
    """A model converted for a core with one value of ``--optimize``."""

    key: str
    core: str
    optimize: Optimize
    report: Report


def run_optimize(chosen: Sequence[BenchModel], log: Log) -> Iterator[OptimizeRun]:
    """Convert every int8 model that is there with every value; skips by name what fails."""
    for model in chosen:
        if not model.path.is_file() or model.calibration is not None:
            continue
        wanted = [(TIMING_CORE, optimize) for optimize in LEVELS]
        cores = [core for key, core in PAYING if key == model.key]
        wanted += [(core, o) for core in cores for o in LEVELS if o in ("speed", "fastest")]
        for core, optimize in wanted:
            log(f"{model.key} on {core} at {optimize}")
            options = api.ConvertOptions(core, toolchain=COMPILER, optimize=optimize, vectors=1)
            try:
                report = api.convert(model.path, None, options).report
            except ToolError as error:
                log(f"skipped {model.title} on {core}: {error.summary}")
                continue
            yield OptimizeRun(model.key, core, optimize, report)


def optimize_section(runs: Sequence[OptimizeRun]) -> str:
    """One line for each conversion."""
    rows = []
    for run in runs:
        memory, count = run.report.memory, run.report.latency.instructions
        per_mac = "-" if count is None else f"{count / run.report.model.macs:.2f}"
        sizes = memory.code_bytes, memory.flash_bytes, memory.arena_bytes, memory.stack_bytes
        rows.append(
            [run.key.upper(), run.core, run.optimize, number(count), per_mac, *map(number, sizes)]
        )
    head = [
        "model",
        "core",
        "optimize",
        "instructions",
        "per MAC",
        "code",
        "flash",
        "arena",
        "stack",
    ]
    return "\n".join([
        "## Speed, flash, size",
        "",
        f"What `--optimize` chooses with {COMPILER}; `fastest` pays for "
        "instructions with flash. Sizes in bytes.",
        "",
        *table(head, rows),
        "",
    ])  # fmt: skip


if __name__ == "__main__":
    print(optimize_section(list(run_optimize(models(), lambda text: print(text, file=sys.stderr)))))
