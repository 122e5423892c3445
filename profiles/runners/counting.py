"""What the native counters need to know about an image, and their results as data."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from edgekit.artefact import Manifest
from profiles.elf import Firmware
from profiles.runners.base import Arrays, Block, LayerCount, RunResult

Totals = NDArray[np.uint64]


@dataclass(frozen=True)
class CountPlan:
    """Addresses that the counters look for.

    Attributes:
        start: entry of run_copy, where counting starts.
        harness: address range of the harness, where it stops.
        ranges: address ranges of run and run_copy, which belong to no step.
        entries: entry of each step.
    """

    start: int
    harness: tuple[int, int]
    ranges: tuple[tuple[int, int], ...]
    entries: tuple[int, ...]


def plan_counts(firmware: Firmware, manifest: Manifest) -> CountPlan:
    """Find the addresses for ``manifest`` in a linked image.

    Raises:
        ToolError: the image lacks a function that must be there.
    """
    text = firmware.section(".ek_text")
    names = (manifest.run_symbol, manifest.run_copy_symbol)
    found = [s for s in firmware.symbols if s.kind == "function" and s.name.split(".")[0] in names]
    return CountPlan(
        start=firmware.symbol(manifest.run_copy_symbol).address,
        harness=(text.address, text.address + text.size),
        ranges=tuple((s.address, s.address + s.size) for s in found),
        entries=firmware.step_entries(manifest),
    )


def counted(
    manifest: Manifest,
    outputs: Arrays,
    stack_bytes: int,
    totals: Totals,
    blocks: Sequence[Block],
) -> RunResult:
    """A result from the counters' table.

    Args:
        manifest: of the image.
        outputs: of the run.
        stack_bytes: of the run.
        totals: (samples, steps + 1); the last column is outside of steps.
        blocks: in any order.
    """
    rows = totals.astype(np.int64)
    layers = tuple(
        LayerCount(step.symbol, int(rows[0, i]), tuple(map(int, rows[:, i])))
        for i, step in enumerate(manifest.steps)
        if len(rows)
    )
    return RunResult(
        outputs,
        instructions=tuple(map(int, rows.sum(axis=1))),
        layers=layers,
        other_instructions=int(rows[0, -1]) if len(rows) else 0,
        stack_bytes=stack_bytes,
        blocks=tuple(sorted(blocks, key=lambda b: (b.address, b.size))),
    )
