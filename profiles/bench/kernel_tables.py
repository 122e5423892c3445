"""Sections about kernels: models beside their bars and the peers, layers that stand for one."""

from __future__ import annotations

import statistics
import tomllib
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from profiles.bench.markdown import number, table
from profiles.bench.measure import LayerRun, ModelRun

_DATA = Path(__file__).resolve().parents[1] / "data"
CMSIS_CORES = ("cortex-m4", "cortex-m55")
"""Cores with figures of CMSIS-NN for single layers."""


def bars_section(runs: Sequence[ModelRun], peer: Mapping[str, Any]) -> str:
    """Executed instructions of every model and core beside the bar and a peer's figure."""
    bars = read_data("bars.toml")
    lines = [
        "## Bars",
        "",
        f"Executed instructions, copies of inputs and outputs included, beside the bar that they "
        f"must stay below and {peer['name']} ({peer['how']}). Code in bytes.",
        "",
    ]
    head = ["core", "model", "instructions", "per MAC", "bar", "of it", "peer", "of it", "code"]
    rows = []
    for run in runs:
        bar = bars.get(run.core, {}).get(run.model.key)
        theirs = peer["instructions"].get(run.core, {}).get(run.model.key)
        count = run.report.latency.instructions
        if count is None or bar is None:
            continue
        rows.append([
            run.core, run.model.key.upper(), number(count), f"{count / run.report.model.macs:.2f}",
            number(bar), f"{count / bar:.2f}", number(theirs),
            f"{count / theirs:.2f}" if theirs else "-", number(run.report.memory.code_bytes),
        ])  # fmt: skip
    rows.sort(key=lambda row: list(bars).index(row[0]))
    return "\n".join([*lines, *table(head, rows), ""])


def kernels_section(runs: Sequence[ModelRun]) -> str:
    """Instructions per multiply-accumulate of single layers, and the cost model's error."""
    cores = list(dict.fromkeys(r.core for r in runs))
    lines = [
        "## Kernels",
        "",
        "Instructions per multiply-accumulate (sums: per element) of layers of the models above, "
        "with the name of the kernel in assembly where one computes it and the error of the cost "
        "model. CMSIS-NN v7 beside them.",
        "",
    ]
    head = ["layer", *cores, *(f"CMSIS-NN, {core}" for core in CMSIS_CORES)]
    rows = []
    errors: dict[str, list[float]] = {core: [] for core in cores}
    for kernel in read_data("kernels.toml")["kernel"]:
        cells = []
        for core in cores:
            found = _layer(runs, kernel, core)
            cells.append("-" if found is None else _cell(found, kernel))
            if found is not None and found.error is not None:
                errors[core].append(abs(found.error))
        if set(cells) != {"-"}:
            peers = [kernel["cmsis"].get(core, "-") for core in CMSIS_CORES]
            rows.append([kernel["title"], *cells, *peers])
    medians = [f"{statistics.median(e):.1%}" if e else "-" for e in errors.values()]
    rows.append(["median error of the cost model", *medians, *["-"] * len(CMSIS_CORES)])
    return "\n".join([*lines, *table(head, rows), ""])


def _layer(runs: Sequence[ModelRun], kernel: Mapping[str, Any], core: str) -> LayerRun | None:
    for run in runs:
        if (run.model.key, run.core) == (kernel["model"], core):
            return next((found for found in run.layers if found.name == kernel["layer"]), None)
    return None


def _cell(layer: LayerRun, kernel: Mapping[str, Any]) -> str:
    if layer.instructions is None:
        return "-"
    each = layer.instructions / (kernel.get("elements") or layer.macs)
    error = "" if layer.error is None else f", {layer.error:+.1%}"
    return f"{each:.2f} ({layer.variant or 'C'}{error})"


def read_data(name: str) -> dict[str, Any]:
    """A table of ``profiles/data``."""
    return tomllib.loads((_DATA / name).read_text(encoding="utf-8"))
