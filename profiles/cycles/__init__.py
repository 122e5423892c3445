"""Cycle estimates from instruction counts: labelled as a model, with range and source."""

from __future__ import annotations

import math

from profiles.cycles.model import Cost, CycleEstimate
from profiles.elf import load_firmware
from profiles.runners.base import RunResult
from targets.model import CycleData
from targets.toolchains.base import Image

__all__ = ["CycleEstimate", "estimate_cycles"]


def estimate_cycles(image: Image, result: RunResult, wait_states: int = 0) -> CycleEstimate | None:
    """Estimate the cycles of one inference, the mean over all samples of a profiled run.

    Args:
        image: the firmware that ran.
        result: of a run with ``profile=True``.
        wait_states: of the flash, at the clock in question. Only the ``pairs`` model uses them.

    Returns:
        The estimate; None where the core has no model or nothing was counted.
    """
    data = image.core.cycles
    if data is None or not result.instructions:
        return None
    if data.method == "pairs":
        return _pairs(image, result, wait_states, data)
    return _cpi_range(sum(result.instructions) / len(result.instructions), data)


def _cpi_range(instructions: float, data: CycleData) -> CycleEstimate:
    typical = data.cpi_typical
    return CycleEstimate(
        low=math.floor(instructions * data.cpi_low),
        typical=None if typical is None else round(instructions * typical),
        high=math.ceil(instructions * data.cpi_high),
        method=f"{data.cpi_low:g} to {data.cpi_high:g} cycles per instruction",
        source=data.source,
    )


def _pairs(image: Image, result: RunResult, wait_states: int, data: CycleData) -> CycleEstimate:
    from profiles.cycles.decode import decode_block
    from profiles.cycles.pairs import block_cost, fetch_cost, taken_cost

    code = load_firmware(image.path).code()
    total = Cost()
    for block in result.blocks:
        start = block.address - code.address
        decoded = decode_block(code.data[start : start + block.size], block.address)
        once = block_cost(decoded) + fetch_cost(block.size, wait_states)
        total += once * block.executions + taken_cost(wait_states) * block.taken
    samples = len(result.instructions or ())
    return CycleEstimate(
        low=total.low // samples,
        typical=round(total.typical / samples),
        high=-(-total.high // samples),
        method=f"instruction pairs per basic block, {wait_states} flash wait states",
        source=data.source,
    )
