"""The arenas of MLPerf Tiny on the emulated Cortex-M4: below their bars and almost for free."""

from __future__ import annotations

from typing import Any

import pytest

from edgekit.api import ConvertOptions
from edgekit.report.model import Report
from profiles.bench.memory import MemoryRun, convert_apart, memory_section, read_bars
from tests.conversions import Conversions
from tests.proofs.data import int8_model
from tests.runners.support import emulator

CORE = "cortex-m4"
MODELS = {
    "ic": "pretrainedResnet_quant",
    "kws": "kws_ref_model",
    "vww": "vww_96_int8",
    "ad": "ad01_int8",
}


def variants(report: Report) -> dict[str, str]:
    """Kernel of each layer."""
    return {layer.name: layer.variant for layer in report.latency.layers}


@pytest.mark.parametrize("key", MODELS)
def test_overlaps_cost_at_most_three_percent(key: str, conversions: Conversions) -> None:
    """The same kernels, once with results over operands and once with bytes of their own."""
    emulator("unicorn", CORE)
    bars = read_bars()["bars"]
    model = int8_model(MODELS[key])
    plain = conversions(model, ConvertOptions(CORE, vectors=1)).report
    kept = next(c.name for c in plain.toolchain if c.chosen)
    options: dict[str, Any] = {"toolchain": kept, "emulator": "unicorn", "vectors": 1}
    apart = convert_apart(model, CORE, options)
    assert plain.schedule is not None
    assert apart.schedule is not None
    assert not plain.schedule.stages
    assert plain.schedule.levers == ("order", "in-place", "rows")
    assert apart.schedule.levers == ("order",)
    assert variants(apart) == variants(plain)
    for report in (plain, apart):
        assert report.verification.bit_exact
        assert report.verification.emulated
    arenas = [r.memory.arena_bytes or 0 for r in (plain, apart)]
    assert arenas[0] <= min(bars["whole"][key], arenas[1])
    assert arenas[0] == plain.schedule.lower_bound_bytes
    run = MemoryRun(key, plain, apart, None)
    assert run.rise <= bars["rise"]
    page = memory_section([run])
    assert f"| {key.upper()} | {arenas[0]:,} | {bars['whole'][key]:,} | 0 | {arenas[1]:,} |" in page
    assert "outputs bit-exact" in page
