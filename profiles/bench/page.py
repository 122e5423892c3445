"""docs/benchmarks.md, written from measurements."""

from __future__ import annotations

import os
import platform
import tomllib
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from profiles.bench.kernel_tables import bars_section, kernels_section
from profiles.bench.markdown import number, table
from profiles.bench.measure import TIMING_CORE, ModelRun, Times

PEERS = Path(__file__).resolve().parents[1] / "data" / "peers.toml"
INTRODUCTION = """\
# Benchmarks

Written by `python -m profiles.bench` (`make bench`); do not edit.

Instructions are counted on emulated cores and are exact: the same model, compiler and kernels give
the same figure on every machine. They are those of the first stored vector: where code branches on
data (clamps, divisions in software, softmax), other vectors differ a little. They are instructions,
not cycles; the one table of cycles says that it is an estimate. Wall times are those of the machine
at hand and are there to show proportions.
"""


def write_page(
    runs: Sequence[ModelRun], times: Times, planning: str, floats: Sequence[ModelRun] = ()
) -> str:
    """The whole page; ``planning`` is a section of its own, see `profiles.bench.planning`;
    ``floats`` are float32 models beside those in ``runs``."""
    peers = tomllib.loads(PEERS.read_text(encoding="utf-8"))
    parts = [INTRODUCTION, _versions(runs), _summary(runs, peers)]
    parts += [bars_section(runs, peers["stacks"][0]), kernels_section(runs)]
    for key in dict.fromkeys(r.model.key for r in runs):
        parts.append(_model([r for r in runs if r.model.key == key]))
    parts += [_other_stacks(runs, floats, peers), _cost_model(runs)]
    parts += [planning, _times(times)]
    return "\n".join(parts)


def _versions(runs: Sequence[ModelRun]) -> str:
    tools = {r.report.versions.toolchain for r in runs} | {r.report.versions.emulator for r in runs}
    edgekit = {r.report.versions.edgekit for r in runs}
    names = sorted(t for t in tools if t)
    exact = sum(r.report.verification.bit_exact is True for r in runs)
    return "\n".join(
        [
            f"{exact} of {len(runs)} conversions were bit-exact in every run: on the host and on "
            "the emulated core, with every compiler present.",
            "",
            f"edgekit {', '.join(sorted(edgekit))} with:",
            "",
            *(f"- {t}" for t in names),
            "",
        ]
    )


def _summary(runs: Sequence[ModelRun], peers: dict[str, Any]) -> str:
    best = peers["stacks"][0]
    lines = [
        "## Against TensorFlow Lite Micro",
        "",
        f"Executed instructions relative to {best['name']} ({best['how']}); below 1 means fewer.",
        "Theirs for cortex-m0plus were counted on Cortex-M0, which has the same instructions.",
        "",
    ]
    keys = [k for k in dict.fromkeys(r.model.key for r in runs) if k in _instructions(best)]
    rows = []
    for core, theirs in best["instructions"].items():
        cells = []
        for key in keys:
            ours = _find(runs, key, core)
            cells.append(f"{ours / theirs[key]:.2f}" if ours and key in theirs else "-")
        rows.append([core, *cells])
    return "\n".join([*lines, *table(["core", *(k.upper() for k in keys)], rows), ""])


def _instructions(stack: dict[str, Any]) -> set[str]:
    return {key for figures in stack["instructions"].values() for key in figures}


def _find(runs: Sequence[ModelRun], key: str, core: str) -> int | None:
    for run in runs:
        if (run.model.key, run.core) == (key, core):
            return run.report.latency.instructions
    return None


def _model(runs: Sequence[ModelRun]) -> str:
    first = runs[0].report
    bound = first.schedule.lower_bound_bytes if first.schedule else None
    lines = [
        f"## {runs[0].model.title}",
        "",
        f"`{first.model.name}`: {first.model.macs:,} MACs, {first.model.parameters:,} parameters, "
        f"proven lower bound of the arena {number(bound)} B (scratch included). Sizes in bytes.",
        "",
    ]
    head = ["core", "compiler", "instructions", "per MAC", "arena", "stack", "RAM", "code", "flash"]
    rows = []
    for run in runs:
        memory, count = run.report.memory, run.report.latency.instructions
        kept = next(c.name for c in run.report.toolchain if c.chosen)
        per_mac = "-" if count is None else f"{count / run.report.model.macs:.2f}"
        sizes = (
            memory.arena_bytes, memory.stack_bytes, memory.ram_bytes, memory.code_bytes,
            memory.flash_bytes,
        )  # fmt: skip
        rows.append([run.core, kept, number(count), per_mac, *map(number, sizes)])
    return "\n".join([*lines, *table(head, rows), ""])


def _other_stacks(
    runs: Sequence[ModelRun], floats: Sequence[ModelRun], peers: dict[str, Any]
) -> str:
    keys = [k for k in ("ic", "kws", "vww", "ad") if _find(runs, k, TIMING_CORE)]
    own = {"int8": runs, "float32": floats} if floats else {"int8": runs}
    rows = [
        ["edgekit", precision, *(number(_find(found, k, TIMING_CORE)) for k in keys)]
        for precision, found in own.items()
    ]
    for stack in peers["stacks"]:
        figures = stack["instructions"][TIMING_CORE]
        name = f"{stack['name']}, {stack['how']}"
        rows.append([name, stack["precision"], *(number(figures.get(k)) for k in keys)])
    lines = ["## Other stacks", "", f"Executed instructions on {TIMING_CORE}.", ""]
    lines += table(["stack", "precision", *(k.upper() for k in keys)], rows)
    for field, title in (
        ("ram_bytes", "RAM in all (arena, static data, stack)"),
        ("code_bytes", "Code"),
        ("flash_bytes", "Flash in all"),
    ):
        rows = [
            [f"edgekit, {precision}", *(number(_memory(found, k, field)) for k in keys)]
            for precision, found in own.items()
        ]
        for stack in peers["stacks"]:
            figures = stack["memory"].get(field)
            if figures:
                rows.append([stack["name"], *(number(figures.get(k)) for k in keys)])
        lines += ["", f"{title} on {TIMING_CORE}, bytes.", ""]
        lines += table(["stack", *(k.upper() for k in keys)], rows)
    return "\n".join([*lines, ""])


def _memory(runs: Sequence[ModelRun], key: str, field: str) -> int | None:
    for run in runs:
        if (run.model.key, run.core) == (key, TIMING_CORE):
            found: int | None = getattr(run.report.memory, field)
            return found
    return None


def _cost_model(runs: Sequence[ModelRun]) -> str:
    """How far `profiles.cost` is from the count, on whole models."""
    keys = list(dict.fromkeys(r.model.key for r in runs))
    lines = [
        "## The cost model against the count",
        "",
        "Relative error of the sum that `profiles.cost` gives for all nodes, on models that it was "
        "not fitted to. Most of it is what compilers make of the calls that one program has.",
        "",
    ]
    rows = []
    for core in dict.fromkeys(r.core for r in runs):
        cells = []
        for key in keys:
            run = next((r for r in runs if (r.model.key, r.core) == (key, core)), None)
            counted = run.report.latency.instructions if run else None
            expected = run.expected if run else None
            cells.append(f"{expected / counted - 1:+.1%}" if expected and counted else "-")
        rows.append([core, *cells])
    return "\n".join([*lines, *table(["core", *(k.upper() for k in keys)], rows), ""])


def _times(times: Times) -> str:
    stages = list(dict.fromkeys(name for c in times.chains for name, _ in c.stages))
    rows = []
    for chain in times.chains:
        spent = dict(chain.stages)
        rows.append([
            f"{chain.layers:,}", f"{chain.seconds:.2f}",
            f"{1000 * chain.seconds / chain.layers:.1f}",
            *(f"{1000 * spent.get(s, 0) / chain.layers:.2f}" for s in stages),
        ])  # fmt: skip
    facts = [["`edgekit --help`", f"{times.help_seconds:.2f}"]]
    if times.resnet_seconds is not None and times.resnet_emulated_seconds is not None:
        facts.append(["ResNet8, without the emulator run", f"{times.resnet_seconds:.2f}"])
        facts.append(["ResNet8, with the emulator run", f"{times.resnet_emulated_seconds:.2f}"])
    return "\n".join([
        "## Time of conversion",
        "",
        f"On {os.cpu_count()} processors, Python {platform.python_version()}, warm, target "
        f"{TIMING_CORE}, every compiler present, for the host and for the target. Seconds.",
        "",
        *table(["what", "seconds"], facts),
        "",
        "Chains of int8 convolutions without the emulator run; stages in milliseconds per layer. "
        "Constant time per layer means linear conversion.",
        "",
        *table(["layers", "seconds", "ms per layer", *stages], rows),
        "",
    ])  # fmt: skip
