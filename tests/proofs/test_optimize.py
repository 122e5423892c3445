"""``--optimize`` on the emulated Cortex-M4: the bars of speed, code and memory for MLPerf Tiny."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import pytest

from edgekit.api import convert
from edgekit.deployment import Deployment
from edgekit.options import ConvertOptions, Optimize, Rounding
from profiles.bench.fast import convert_fast
from profiles.bench.kernel_tables import read_data
from tests.conversions import Conversions
from tests.proofs.data import int8_model
from tests.runners.support import emulator

Convert = Callable[[str, Optimize], Deployment]
KIB = 1024
CORE = "cortex-m4"
MLPERF = {
    "pretrainedResnet_quant": "ic", "kws_ref_model": "kws", "vww_96_int8": "vww", "ad01_int8": "ad",
}  # fmt: skip


@pytest.fixture
def converted(conversions: Conversions) -> Convert:
    """For speed the conversion that other tests share, otherwise by the compiler that is kept."""
    emulator("unicorn", CORE)

    def convert(name: str, optimize: Optimize) -> Deployment:
        options = ConvertOptions(CORE, vectors=1, optimize=optimize)
        if optimize != "speed":
            options = replace(options, toolchain="gcc")
        made = conversions(int8_model(name), options)
        assert made.report.verification.bit_exact
        return made

    return convert


@pytest.mark.parametrize("name", MLPERF)
def test_instructions(name: str, converted: Convert) -> None:
    count = converted(name, "speed").report.latency.instructions
    assert 0 < (count or 0) <= read_data("bars.toml")[CORE][MLPERF[name]]


@pytest.mark.parametrize(
    ("core", "rounding", "runner"),
    [(CORE, "fast", "unicorn"), ("cortex-m55", "onnx", "qemu")],
)
@pytest.mark.parametrize("name", ["kws_ref_model", "ad01_int8"])
def test_models_quantized_here_come_in_below(
    name: str, core: str, rounding: Rounding, runner: str
) -> None:
    emulator(runner, core)
    key = MLPERF[name]
    made = convert_fast(key, int8_model(name), core, rounding, vectors=1, toolchain="gcc")
    assert made.report.verification.bit_exact
    assert made.report.options["rounding"] == rounding
    count = made.report.latency.instructions
    assert 0 < (count or 0) <= read_data("bars.toml")[core][key]


@pytest.mark.parametrize("name", MLPERF)
def test_roundings_of_onnx_runtime_stay_below(name: str) -> None:
    """Where filters without a proven form in integers are scaled by the FPU."""
    emulator("unicorn", CORE)
    options = ConvertOptions(CORE, vectors=1, toolchain="gcc", rounding="onnx")
    made = convert(int8_model(name), None, options)
    assert made.report.verification.bit_exact
    count = made.report.latency.instructions
    assert 0 < (count or 0) <= read_data("bars.toml")[CORE][MLPERF[name]]


@pytest.mark.parametrize("name", MLPERF)
def test_code(name: str, converted: Convert) -> None:
    speed, size = (converted(name, o).report.memory for o in ("speed", "size"))
    assert speed.code_bytes is not None
    assert size.code_bytes is not None
    assert size.code_bytes < speed.code_bytes <= 16 * KIB
    assert size.code_bytes <= 9 * KIB


@pytest.mark.parametrize("optimize", ["speed", "size"])
@pytest.mark.parametrize("name", MLPERF)
def test_tables_of_twelve_bytes_a_filter(name: str, optimize: Optimize, converted: Convert) -> None:
    """Bias, multiplier, shift or whatever a kernel reads for them, wherever it lies."""
    made = converted(name, optimize)
    layers = [n for n in made.graph.nodes if n.op.name in ("QConv2D", "QDense")]
    filters = [n.output.type.shape[-1] for n in layers]
    linked, emitted = made.report.memory.table_bytes, made.manifest.table_bytes
    assert linked is not None
    # a bias is never left out; compilers make instructions of tables with one element
    assert 4 * sum(filters) <= linked <= emitted <= 12 * sum(filters)


@pytest.mark.parametrize("optimize", ["speed", "size"])
@pytest.mark.parametrize("name", MLPERF)
def test_working_memory(name: str, optimize: Optimize, converted: Convert) -> None:
    made = converted(name, optimize)
    assert made.report.memory.stack_bytes is not None
    assert max(s.scratch_bytes + s.stack_bytes for s in made.manifest.steps) <= 2 * KIB
    declared = max(s.stack_bytes for s in made.manifest.steps)
    assert declared < made.report.memory.stack_bytes <= declared + 512


def test_fastest_pays_with_flash(converted: Convert) -> None:
    """Winograd halves the products of ResNet8's 3x3 layers of stride 1, three quarters of its MACs:
    four times their weights, inside the bounds of code, tables and memory."""
    speed, fastest = (converted("pretrainedResnet_quant", o) for o in ("speed", "fastest"))
    counts = [made.report.latency.instructions or 0 for made in (speed, fastest)]
    flash = [made.report.memory.flash_bytes or 0 for made in (speed, fastest)]
    print(f"instructions {counts[0]:,} to {counts[1]:,}, flash {flash[0]:,} to {flash[1]:,} B")
    assert 0 < counts[1] <= 0.7 * counts[0]
    assert flash[0] < flash[1] <= 2.7 * flash[0]
    assert [s.variant for s in fastest.manifest.steps].count("conv winograd") == 4
    assert (fastest.report.memory.code_bytes or 0) <= 16 * KIB
    assert max(s.scratch_bytes + s.stack_bytes for s in fastest.manifest.steps) <= 2 * KIB
    assert fastest.manifest.table_bytes == speed.manifest.table_bytes


@pytest.mark.parametrize(
    ("core", "most", "kib"), [("rv32imc", 21_935_054, 16), ("cortex-m3", 14_613_426, 18)]
)
def test_fastest_pays_on_scalar_cores(
    core: str, most: int, kib: int, conversions: Conversions
) -> None:
    """The same layers, where nothing multiplies twice at once. At most 0.8 and 0.83 of what `speed`
    took when the kernels came, whatever it has saved since."""
    emulator("unicorn", core)
    counts = []
    levels: tuple[Optimize, ...] = ("speed", "fastest")
    for optimize in levels:
        options = ConvertOptions(core, vectors=1, optimize=optimize, toolchain="gcc")
        made = conversions(int8_model("pretrainedResnet_quant"), options)
        assert made.report.verification.bit_exact
        counts.append(made.report.latency.instructions or 0)
    found = [s for s in made.manifest.steps if s.variant == "conv winograd"]
    assert len(found) == 4
    assert max(s.scratch_bytes + s.stack_bytes for s in found) <= 2 * KIB
    assert (made.report.memory.code_bytes or 0) <= kib * KIB
    assert 0 < counts[1] <= min(most, counts[0])


@pytest.mark.parametrize(("core", "where"), [("cortex-m4", "unicorn"), ("cortex-m55", "qemu")])
@pytest.mark.parametrize("name", MLPERF)
def test_balanced_lies_between(name: str, core: str, where: str, conversions: Conversions) -> None:
    """Less code than for speed, by a larger factor than it is slower; more than for size. A model
    with one kind of kernel keeps it."""
    emulator(where, core)
    levels: tuple[Optimize, ...] = ("speed", "balanced", "size")
    reports = [
        conversions(
            int8_model(name), ConvertOptions(core, vectors=1, optimize=level, toolchain="gcc")
        ).report
        for level in levels
    ]
    assert all(r.verification.bit_exact for r in reports)
    counts = [r.latency.instructions or 0 for r in reports]
    sizes = [r.memory.code_bytes or 0 for r in reports]
    flash = [r.memory.flash_bytes or 0 for r in reports]
    print(f"{name} on {core}: instructions {counts}, code {sizes}, flash {flash}")
    assert counts[0] <= counts[1] < 0.5 * counts[2]
    assert sizes[1] > sizes[2] > 0
    assert flash[1] > flash[2]
    if len({layer.variant for layer in reports[0].latency.layers if layer.variant}) > 1:
        assert sizes[0] > sizes[1]
        assert flash[0] > flash[1]
        assert counts[1] * sizes[1] < counts[0] * sizes[0]
    else:
        assert (counts[0], sizes[0], flash[0]) == (counts[1], sizes[1], flash[1])
