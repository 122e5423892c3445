"""``--optimize`` on the emulated Cortex-M4: the bars of speed, code and memory for MLPerf Tiny."""

from __future__ import annotations

import functools
import tomllib
from pathlib import Path

import pytest

import profiles.bench.kernel_tables
from edgekit import api
from edgekit.deployment import Deployment
from edgekit.options import Optimize
from tests.proofs.data import int8_model
from tests.runners.support import emulator

KIB = 1024
CORE = "cortex-m4"
MLPERF = {
    "pretrainedResnet_quant": "ic", "kws_ref_model": "kws", "vww_96_int8": "vww", "ad01_int8": "ad",
}  # fmt: skip
FILTERS = 4
"""Filters that are computed together: a last block that is not whole repeats some."""


@functools.cache
def converted(name: str, optimize: Optimize) -> Deployment:
    """With one compiler, that which both choices keep (`tests.proofs.test_models` has both)."""
    emulator("unicorn", CORE)
    options = api.ConvertOptions(CORE, vectors=1, optimize=optimize, toolchain="gcc")
    made = api.convert(int8_model(name), None, options)
    assert made.report.verification.bit_exact
    return made


@pytest.mark.parametrize("name", MLPERF)
def test_instructions(name: str) -> None:
    path = Path(profiles.bench.kernel_tables.__file__).parents[1] / "data" / "bars.toml"
    bar = tomllib.loads(path.read_text(encoding="utf-8"))[CORE][MLPERF[name]]
    assert 0 < (converted(name, "speed").report.latency.instructions or 0) <= bar


@pytest.mark.parametrize("name", MLPERF)
def test_code(name: str) -> None:
    speed, size = (converted(name, o).report.memory for o in ("speed", "size"))
    assert speed.code_bytes is not None
    assert size.code_bytes is not None
    assert size.code_bytes < speed.code_bytes <= 16 * KIB
    assert size.code_bytes <= 9 * KIB


@pytest.mark.parametrize("optimize", ["speed", "size"])
@pytest.mark.parametrize("name", MLPERF)
def test_tables_of_twelve_bytes_a_filter(name: str, optimize: Optimize) -> None:
    """Bias, multiplier, shift or whatever a kernel reads for them, wherever it lies."""
    made = converted(name, optimize)
    layers = [n for n in made.graph.nodes if n.op.name in ("QConv2D", "QDense")]
    filters = [n.output.type.shape[-1] for n in layers]
    allowed = 12 * sum(-(-count // FILTERS) * FILTERS for count in filters)
    linked, emitted = made.report.memory.table_bytes, made.manifest.table_bytes
    assert linked is not None
    # a bias is never left out; compilers make instructions of tables with one element
    assert 4 * sum(filters) <= linked <= emitted <= allowed


@pytest.mark.parametrize("name", MLPERF)
def test_working_memory(name: str) -> None:
    made = converted(name, "speed")
    assert made.report.memory.stack_bytes is not None
    assert max(s.scratch_bytes + s.stack_bytes for s in made.manifest.steps) <= 2 * KIB
    declared = max(s.stack_bytes for s in made.manifest.steps)
    assert declared < made.report.memory.stack_bytes <= declared + 512


def test_balanced_lies_between() -> None:
    speed, balanced, size = (
        converted("pretrainedResnet_quant", o).report for o in ("speed", "balanced", "size")
    )
    counts = [r.latency.instructions or 0 for r in (speed, balanced, size)]
    sizes = [r.memory.code_bytes or 0 for r in (speed, balanced, size)]
    assert counts[0] < counts[1] < 0.5 * counts[2]
    assert sizes[0] > sizes[1] > sizes[2]
