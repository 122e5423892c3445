"""Arenas beside their bars and the peers', and what overlaps and strips cost in instructions.

``python -m profiles.bench.memory`` prints the section of docs/benchmarks.md alone.
"""

from __future__ import annotations

import sys
import tempfile
import tomllib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from edgekit import api
from edgekit.errors import FitError
from edgekit.report.model import Report
from profiles.bench.markdown import number, table
from profiles.bench.measure import TIMING_CORE, Log
from profiles.bench.models import BenchModel, models

KIB = 1024
STEPS_MODEL, STEPS = "vww", (64, 56, 48, 40, 36, 32, 30, 29, 28, 27)
"""A model for so many KiB of RAM, down to what its input alone takes."""
BARS = Path(__file__).resolve().parents[1] / "data" / "arenas.toml"


@dataclass(frozen=True)
class MemoryRun:
    """One model on the core that the bars are for, by one compiler.

    Attributes:
        key: of the model.
        plain: converted with default options: layers as a whole, overlaps where they help.
        apart: the same kernels, no result over an operand.
        fitted: in strips, for an arena of the bar's size; None where there is no such bar.
    """

    key: str
    plain: Report
    apart: Report
    fitted: Report | None

    @property
    def rise(self) -> float:
        """Instructions that overlaps add, relative to those without."""
        return _instructions(self.plain) / _instructions(self.apart) - 1

    @property
    def strips_rise(self) -> float | None:
        """Instructions that strips add, relative to layers as a whole."""
        if self.fitted is None:
            return None
        return _instructions(self.fitted) / _instructions(self.plain) - 1


@dataclass(frozen=True)
class Step:
    """A model for a RAM of ``ram`` bytes: its report, or the refusal where it does not fit."""

    ram: int
    report: Report | None
    refusal: str = ""


def read_bars() -> dict[str, Any]:
    """Bars and peers of ``profiles/data/arenas.toml``."""
    return tomllib.loads(BARS.read_text(encoding="utf-8"))


def convert_apart(model: Path, core: str, options: Mapping[str, Any]) -> Report:
    """Convert with every tensor on bytes of its own; only the order is searched.

    Args:
        model: file.
        core: what it is planned and converted for.
        options: of `edgekit.api.ConvertOptions`.
    """
    with tempfile.TemporaryDirectory(prefix="edgekit-bench-") as folder:
        plan = Path(folder) / "plan.json"
        api.plan(model, core, levers=("order",), save=plan)
        made = api.convert(model, None, api.ConvertOptions(core, plan=plan, **options))
    return made.report


def run_memory(chosen: Sequence[BenchModel], log: Log) -> Iterator[MemoryRun]:
    """Convert every model that has a bar and is there."""
    bars = read_bars()["bars"]
    for model in chosen:
        if model.key not in bars["whole"] or not model.path.is_file():
            continue
        log(f"arenas of {model.key}")
        options = api.ConvertOptions(TIMING_CORE, require_emulator=True, vectors=1)
        plain = api.convert(model.path, None, options).report
        kept = next(c.name for c in plain.toolchain if c.chosen)
        same: dict[str, Any] = {"toolchain": kept, "require_emulator": True, "vectors": 1}
        apart = convert_apart(model.path, TIMING_CORE, same)
        ram = bars["strips"].get(model.key)
        fitted = None
        if ram is not None:
            limited = api.ConvertOptions(TIMING_CORE, ram=ram, **same)
            fitted = api.convert(model.path, None, limited).report
        yield MemoryRun(model.key, plain, apart, fitted)


def run_steps(chosen: Sequence[BenchModel], log: Log) -> Iterator[Step]:
    """Convert one model for less and less RAM, until nothing fits; the same plan once."""
    model = next((m for m in chosen if m.key == STEPS_MODEL and m.path.is_file()), None)
    found: dict[int, Report] = {}
    if model is None:
        return
    for ram in (n * KIB for n in STEPS):
        log(f"arena of {STEPS_MODEL} in {ram // KIB} KiB")
        try:
            arena = api.plan(model.path, TIMING_CORE, ram=ram).arena_bytes
        except FitError as error:
            yield Step(ram, None, str(error.problems[0]))
            continue
        if arena not in found:
            options = api.ConvertOptions(TIMING_CORE, ram=ram, require_emulator=True, vectors=1)
            found[arena] = api.convert(model.path, None, options).report
        yield Step(ram, found[arena])


def memory_section(runs: Sequence[MemoryRun], steps: Sequence[Step] = ()) -> str:
    """The section of the page."""
    found = read_bars()
    bars = found["bars"]
    exact = all(
        r.verification.bit_exact for run in runs for r in (run.plain, run.apart, run.fitted) if r
    )
    lines = [
        "## Memory",
        "",
        f"Arena bytes on {TIMING_CORE}, inputs, outputs and scratch included; outputs "
        f"{'bit-exact' if exact else 'NOT bit-exact'} on the emulated core. Layers as a whole "
        "(default options) beside the same kernels with every tensor on bytes of its own: "
        f"overlaps may add {bars['rise']:.0%} of instructions.",
        "",
        *_whole_table(runs, bars),
        "",
        "In strips (`--ram` of the bar's size), against layers as a whole; up to "
        f"{bars['extra_macs']:.0%} extra MACs are allowed.",
        "",
        *_strips_table(runs, bars),
        "",
        *_steps_table(steps),
        "Arenas of other stacks for activations (and persistent data beside them).",
        "",
        *_peers_table(runs, found["peers"]),
        "",
    ]
    return "\n".join(lines)


def _whole_table(runs: Sequence[MemoryRun], bars: Mapping[str, Any]) -> list[str]:
    head = ["model", "arena", "bar", "gap to the bound", "without overlaps", "instructions", "rise"]
    rows = []
    for run in runs:
        plan, arena = run.plain.schedule, run.plain.memory.arena_bytes
        bound = plan.lower_bound_bytes if plan else None
        gap = None if arena is None or bound is None else arena - bound
        rows.append([
            run.key.upper(), number(arena), number(bars["whole"][run.key]), number(gap),
            number(run.apart.memory.arena_bytes), number(run.plain.latency.instructions),
            _percent(run.rise),
        ])  # fmt: skip
    return table(head, rows)


def _strips_table(runs: Sequence[MemoryRun], bars: Mapping[str, Any]) -> list[str]:
    head = ["model", "arena", "bar", "extra MACs", "instructions", "rise"]
    rows = []
    for run in runs:
        fitted = run.fitted
        plan = fitted.schedule if fitted else None
        if fitted is None or plan is None:
            continue
        rows.append([
            run.key.upper(), number(fitted.memory.arena_bytes), number(bars["strips"][run.key]),
            f"{plan.extra_macs / run.plain.model.macs:.1%}", number(fitted.latency.instructions),
            _percent(run.strips_rise or 0.0),
        ])  # fmt: skip
    return table(head, rows)


def _steps_table(steps: Sequence[Step]) -> list[str]:
    if not steps:
        return []
    head = ["--ram", "arena", "extra MACs", "instructions", "bit-exact", "strips"]
    rows = []
    for step in steps:
        cells = ["-"] * 4 + [f"refused: {step.refusal}"]
        report = step.report
        if report is not None and report.schedule is not None:
            cells = [
                number(report.memory.arena_bytes), number(report.schedule.extra_macs),
                number(report.latency.instructions),
                "yes" if report.verification.bit_exact else "NO",
                "; ".join(report.schedule.stages) or "none",
            ]  # fmt: skip
        rows.append([f"{step.ram // KIB} KiB", *cells])
    return [f"{STEPS_MODEL.upper()} with less and less RAM.", "", *table(head, rows), ""]


def _peers_table(runs: Sequence[MemoryRun], peers: Sequence[Mapping[str, Any]]) -> list[str]:
    rows = [["edgekit", *(number(r.plain.memory.arena_bytes) for r in runs)]]
    if any(r.fitted for r in runs):
        cells = [number(r.fitted.memory.arena_bytes if r.fitted else None) for r in runs]
        rows.append(["edgekit, in strips", *cells])
    for peer in peers:
        cells = []
        for run in runs:
            kept = peer["persistent"].get(run.key)
            more = f" (+ {number(kept)})" if kept else ""
            cells.append(number(peer["arena"].get(run.key)) + more)
        rows.append([peer["name"], *cells])
    return table(["stack", *(r.key.upper() for r in runs)], rows)


def _percent(part: float) -> str:
    """With a sign; next to nothing has none."""
    rounded = round(part, 4)
    return f"{rounded:+.2%}" if rounded else "0.00%"


def _instructions(report: Report) -> int:
    count = report.latency.instructions
    assert count is not None, "conversions here require an emulator"
    return count


if __name__ == "__main__":

    def said(text: str) -> None:
        print(text, file=sys.stderr)

    print(memory_section(list(run_memory(models(), said)), list(run_steps(models(), said))))
