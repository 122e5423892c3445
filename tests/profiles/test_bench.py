"""The benchmark page, from one conversion and made-up times."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np

from codegen.c.choice import kernels_for
from edgekit.api import ConvertOptions
from edgekit.npz import load_arrays
from edgekit.report.model import Cycles
from profiles.bench import planning
from profiles.bench.cycles import BOARD, CyclesRun, cycles_section
from profiles.bench.fast import FastRun, fast_section
from profiles.bench.host import HostTimes, host_section, write_section
from profiles.bench.kernel_tables import bars_section, kernels_section
from profiles.bench.layers import LAYERS
from profiles.bench.layers import measure as measure_layers
from profiles.bench.measure import ChainTime, LayerRun, ModelRun, Times, run_models
from profiles.bench.models import BenchModel, chain, models
from profiles.bench.page import write_page
from profiles.bench.pruning import Pattern, prune
from profiles.bench.sparse import CORES, SparseRun, skipping
from profiles.bench.sparse import write_section as write_sparse_section
from targets.load import load_core
from tests.conversions import Conversions
from tests.runners.support import emulator


def digits() -> BenchModel:
    return next(m for m in models() if m.key == "digits")


def test_a_missing_model_is_skipped_by_name() -> None:
    log: list[str] = []
    runs = list(run_models([BenchModel("x", "No such model", Path("nowhere.onnx"))], log.append))
    assert runs == []
    assert log == ["skipped No such model: no file nowhere.onnx"]


def test_the_page(conversions: Conversions) -> None:
    emulator("unicorn", "cortex-m4")
    model = digits()
    assert model.calibration is not None
    samples = load_arrays(model.calibration)
    found = conversions(model.path, ConvertOptions("cortex-m4"), samples)
    times = Times(0.061, None, None, (ChainTime(10, 0.5, (("emitting", 0.1),)),))
    page = write_page([ModelRun(model, "cortex-m4", found.report, None)], times, "## Planning\n")
    counted = found.report.latency.instructions
    assert counted is not None
    assert f"{counted:,}" in page
    assert "1 of 1 conversions were bit-exact" in page
    assert "| 10 | 0.50 | 50.0 | 10.00 |" in page
    assert "None" not in page
    assert "nan" not in page
    other = Times(0.9, None, None, (ChainTime(10, 0.6, (("emitting", 0.2),)),))
    again = write_page([ModelRun(model, "cortex-m4", found.report, None)], other, "## Planning\n")
    assert page.split("## Time of conversion")[0] == again.split("## Time of conversion")[0]


def test_single_layers_with_and_without_assembly() -> None:
    emulator("unicorn", "cortex-m4")
    chosen = [layer for layer in LAYERS if layer.title.startswith(("matrix", "LSTM", "max pool"))]
    product, lstm, pool = measure_layers("cortex-m4", chosen)
    for found in (product, lstm):
        assert found.variant
        assert 0.5 < found.chosen < 0.7 * found.portable
    assert pool.variant == ""
    assert 1 < pool.chosen == pool.portable
    assert str(pool) == f"{pool.chosen:.2f} (C)"


def test_cycles_come_with_their_range() -> None:
    made = Cycles(1_000_000, 1_500_000, 4_000_000, "pairs, 0 flash wait states", "a manual")
    page = cycles_section([CyclesRun("ic", "cortex-m4", made), CyclesRun("ic", BOARD, made)])
    assert "an estimate, not a measurement (pairs; a manual)" in page
    assert f"| edgekit, {BOARD}, 5 wait states, typical | 1.50 |" in page
    assert f"| edgekit, {BOARD}, range | 1.00 to 4.00 |" in page
    assert "19.82" in page  # published milliseconds times the clock
    assert "nothing was counted" in cycles_section([])


def test_float_models_stand_beside_their_peers(conversions: Conversions) -> None:
    """A made-up count, as the digits in float32 and as the integers of another model."""
    emulator("unicorn", "cortex-m4")
    model = replace(digits(), key="ad", calibration=None)
    report = conversions(model.path, ConvertOptions("cortex-m4", "float32"), None).report
    run = ModelRun(model, "cortex-m4", report, None)
    times = Times(0.061, None, None, ())
    page = write_page([run], times, "## Planning\n", [run])
    counted = report.latency.instructions
    assert f"| edgekit | float32 | {counted:,} |" in page
    assert f"| edgekit, float32 | {report.memory.ram_bytes:,} |" in page


def test_bars_and_kernels(conversions: Conversions) -> None:
    """A made-up count of a model that has a bar, and of one of its layers that has a row."""
    emulator("unicorn", "cortex-m4")
    model = digits()
    assert model.calibration is not None
    samples = load_arrays(model.calibration)
    report = conversions(model.path, ConvertOptions("cortex-m4"), samples).report
    report = replace(report, latency=replace(report.latency, instructions=1_450_000))
    layer = LayerRun("conv_2d_2", "packed", 1_100_000, 512_000, 1_024_000)
    run = ModelRun(replace(model, key="kws"), "cortex-m4", report, None, (layer,))
    peer = {"name": "p", "how": "h", "instructions": {"cortex-m4": {"kws": 5_800_000}}}
    row = bars_section([run], peer).splitlines()[-1]
    assert "| cortex-m4 | KWS | 1,450,000 |" in row
    assert "| 2,900,000 | 0.50 | 5,800,000 | 0.25 |" in row
    assert (
        fast_section([FastRun("kws", report)])
        .splitlines()[-1]
        .startswith("| KWS | 1,450,000 | 17.92 | 2,900,000 | 0.50 |")
    )
    lines = kernels_section([run]).splitlines()
    assert "| 1x1, 64 to 64, 125 pixels | 2.00 (packed, +7.4%) | 2.09 to 3.76 |" in "\n".join(lines)
    assert lines[-1].startswith("| median error of the cost model | 7.4% |")
    assert len(lines) == 8, "layers that were not counted have no row"


def test_a_chain_has_its_layers() -> None:
    graph = chain(7)
    assert len(graph.nodes) == 7
    assert str(chain(7)) == str(graph), "the same chain every time"
    assert graph.macs() == 7 * 16 * 4 * 36


def test_planning_is_measured_in_a_process_of_its_own() -> None:
    (head, _, row) = planning.measured_table([("cells", 30, 3, 5.0)]).lines
    cells = dict(zip(head.split("|")[1:-1], row.split("|")[1:-1], strict=True))
    found = {name.strip(): text.strip().replace(",", "") for name, text in cells.items()}
    assert found["gap"] == "0"
    assert int(found["arena"]) == int(found["bound"]) <= int(found["first fit"])
    assert int(found["tasks"]) >= 30
    assert float(found["peak MB"]) > 1


def test_the_host_beside_litert() -> None:
    section = write_section(HostTimes({"gcc -O3": 0.001}, 0.004, 0.0005, "LiteRT 1"))
    assert "| edgekit, gcc -O3 | 1.00 | 4.0 | 0.50 |" in section


def test_no_model_no_host_section() -> None:
    log: list[str] = []
    assert host_section([], log.append) == []
    assert log == ["skipped the host: no ResNet8 or no gcc"]


def test_pruning_drops_the_smallest_blocks() -> None:
    weights = np.arange(1, 65, dtype=np.int8).reshape(4, 1, 1, 16)
    half = prune(weights, Pattern(2, 4, 0.5))
    assert not half[:2].any()
    np.testing.assert_array_equal(half[2:], weights[2:])
    two_of_four = prune(weights, Pattern(1, 1, 0.5, of=4))
    kept = (two_of_four.reshape(-1, 4) != 0).astype(int)
    assert kept.tolist() == [[0, 0, 1, 1]] * 16  # the larger ones of each four
    scaled = prune(weights, Pattern(4, 16, 1.0), np.ones(4))
    assert not scaled.any()
    odd = prune(weights[:3, :, :, :7], Pattern(2, 4, 0.5))
    assert odd.shape == (3, 1, 1, 7)


def test_the_section_about_sparse_weights() -> None:
    runs = [
        SparseRun("rv32imc", digits(), pattern, 0.75, top1, 2_000, 1_000, 900, 600, equal)
        for pattern, top1, equal in ((None, 0.9, True), (Pattern(2, 4, 0.5), None, False))
    ]
    page = write_sparse_section(runs).replace("| rv32imc: DIGITS, ", "| ")
    assert "| as published | 75% | 0.900 | 2,000 | 1,000 | 2.00 | 900 | 600 | yes |" in page
    assert "| 2x4 blocks, 50% | 75% | - | 2,000 | 1,000 | 2.00 | 900 | 600 | NO |" in page


def test_every_kernel_that_skips_zeros_is_left_out_of_the_dense_count() -> None:
    for core in CORES:
        kernels = kernels_for(load_core(core))
        assert len(skipping(kernels)) == 2  # convolutions and dense layers
