"""Estimated cycles beside the milliseconds that others published.

``python -m profiles.bench.cycles`` prints the section of docs/benchmarks.md alone.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from edgekit import api
from edgekit.errors import ToolError
from edgekit.report.model import Cycles
from profiles.bench.kernel_tables import read_data
from profiles.bench.markdown import millions, table
from profiles.bench.measure import TIMING_CORE, Log
from profiles.bench.models import BenchModel, models
from targets.load import load_board

BOARD = "nucleo-l4r5zi"
"""That the published milliseconds were measured on."""
KEYS = ("ic", "kws", "vww", "ad")


@dataclass(frozen=True)
class CyclesRun:
    """The estimate for a model on a core, or on a board with its wait states."""

    key: str
    target: str
    cycles: Cycles


def run_cycles(chosen: Sequence[BenchModel], log: Log) -> Iterator[CyclesRun]:
    """Estimates of every model that is there; skips by name what cannot be counted."""
    present = {m.key: m for m in chosen if m.path.is_file()}
    for target in (TIMING_CORE, BOARD):
        for model in (present[key] for key in KEYS if key in present):
            log(f"cycles of {model.key} on {target}")
            options = api.ConvertOptions(target, require_emulator=True, vectors=1)
            try:
                found = api.convert(model.path, None, options).report.latency.cycles
            except ToolError as error:
                log(f"skipped {model.title} on {target}: {error.summary}")
                continue
            if found is not None:
                yield CyclesRun(model.key, target, found)


def cycles_section(runs: Sequence[CyclesRun]) -> str:
    """Estimates with their ranges beside published times."""
    if not runs:
        return "## Cycles\n\nNo estimate: nothing was counted.\n"
    keys = [key for key in KEYS if any(r.key == key for r in runs)]
    board = load_board(BOARD)
    rows = []
    for target in dict.fromkeys(r.target for r in runs):
        found = {r.key: r.cycles for r in runs if r.target == target}
        waits = f"{board.flash_wait_states} wait states" if target == BOARD else "no wait states"
        cells = [millions(found[k].typical) if k in found else "-" for k in keys]
        rows.append([f"edgekit, {target}, {waits}, typical", *cells])
        ranges = [
            f"{millions(found[k].low)} to {millions(found[k].high)}" if k in found else "-"
            for k in keys
        ]
        rows.append([f"edgekit, {target}, range", *ranges])
    for entry in read_data("peers.toml")["published"]:
        figures = [entry["milliseconds"].get(k) for k in keys]
        scaled = [None if f is None else round(f * board.clock_hz / 1000) for f in figures]
        rows.append([entry["name"], *map(millions, scaled)])
    return "\n".join([
        "## Cycles",
        "",
        f"edgekit: an estimate, not a measurement ({runs[0].cycles.method.split(',')[0]}; "
        f"{runs[0].cycles.source}). The range of a board is wide because nothing emulates its "
        "flash accelerator: from every fetch served by it to none. Others: published milliseconds "
        f"(MLPerf Tiny, closed division, {BOARD} at {board.clock_hz // 1_000_000} MHz) times the "
        "clock. Millions of cycles.",
        "",
        *table(["stack", *(k.upper() for k in keys)], rows),
        "",
    ])  # fmt: skip


def main() -> None:
    """Print the section."""

    def log(text: str) -> None:
        print(text, file=sys.stderr, flush=True)

    print(cycles_section(list(run_cycles(models(), log))))


if __name__ == "__main__":
    main()
