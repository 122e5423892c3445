"""The cost interface: what is known, what is not, and how far modelled figures are off."""

from __future__ import annotations

import subprocess
import sys
import time
from collections.abc import Sequence
from pathlib import Path

import pytest

from codegen.c.choice import PORTABLE
from edgekit.api import ConvertOptions
from edgekit.ir import Graph
from edgekit.ir.op import Op, Shape
from edgekit.ir.ops import (
    Add,
    Concat,
    Conv2D,
    Dense,
    MaxPool2D,
    Mul,
    Reshape,
    Softmax,
    Window,
)
from edgekit.npz import load_arrays
from edgekit.options import ToolchainChoice
from edgekit.schedule import plan
from profiles.bench.measure import expected_instructions
from profiles.cost import Cost, cost, kernel_of, refusal, toolchains
from targets.load import core_names, load_core
from targets.toolchains import get_toolchain
from tests.conversions import Conversions
from tests.proofs.data import INT8_MODELS, int8_model
from tests.runners.support import emulator, skip_unless

CORES = tuple(name for name in core_names() if name != "host")
M4 = load_core("cortex-m4")
SAME = Window(padding=(1, 1, 1, 1))
CONV = [(1, 10, 10, 16), (24, 3, 3, 16), (24,)]
DIGITS = Path(__file__).parents[2] / "examples" / "digits"
PACKING = 0.15
"""What constants of kernels in assembly may take beside plain weights and tables, relative."""
TOLERANCE = 0.10
"""Relative, of whole models; docs/benchmarks.md has the figures."""


def shapes_of(graph: Graph) -> list[tuple[Op, list[Shape]]]:
    return [(n.op, [() if v is None else v.type.shape for v in n.inputs]) for n in graph.nodes]


@pytest.mark.parametrize("core", CORES)
def test_every_core_has_figures(core: str) -> None:
    assert toolchains(load_core(core))
    found = cost(Conv2D(SAME), CONV, load_core(core))
    assert found.origin == "modelled"
    assert found.error is not None
    assert found.error < 0.2
    macs = Conv2D(SAME).macs(CONV)
    assert found.instructions is not None
    assert 0.1 * macs < found.instructions < 20 * macs


def test_a_counted_shape_is_looked_up() -> None:
    found = cost(Dense(), [(1, 64), (10, 64), (10,)], M4, "float32")
    assert found.origin == "measured"
    assert found.error is None
    assert found.instructions


def test_bytes_of_a_convolution() -> None:
    found = cost(Conv2D(SAME), CONV, M4)
    # weights, int32 bias and multiplier per channel (the fast rule has no shifts)
    assert found.flash_bytes == 24 * 9 * 16 + 24 * 4 + 24 * 4
    # operand, result and two copied windows
    assert found.ram_bytes == 1600 + 2400 + 2 * 9 * 16
    litert = cost(Conv2D(SAME), CONV, M4, rounding="litert")
    assert litert.flash_bytes == 24 * 9 * 16 + 24 * 4 + 24 * 5


def test_float_costs_more_memory() -> None:
    found = cost(Dense(), [(1, 64), (10, 64), (10,)], M4, "float32")
    assert found.flash_bytes == 4 * (640 + 10)
    assert found.ram_bytes == 4 * (64 + 10)


def test_a_layout_does_not_change_the_cost() -> None:
    first = cost(Conv2D(SAME, layout="NHWC"), CONV, M4)
    second = cost(Conv2D(SAME, layout="NCHW"), [(1, 16, 10, 10), (24, 16, 3, 3), (24,)], M4)
    assert first == second


def test_a_reshape_costs_nothing_but_its_bytes() -> None:
    assert cost(Reshape((1, 64)), [(1, 4, 4, 4)], M4).instructions == 0
    assert kernel_of(Reshape((1, 64)), [(1, 4, 4, 4)]) == ""


@pytest.mark.parametrize(
    ("op", "shapes", "reason"),
    [
        (Mul(), [(1, 8), (1, 8)], "no integer form"),
        (Conv2D(SAME), [(2, 10, 10, 16), (24, 3, 3, 16), (24,)], "batch 2"),
        (Conv2D(SAME), [(1, 10, 10, 8), (24, 3, 3, 16), (24,)], "8 input channels"),
        (Softmax(1), [(1, 4, 3)], "last axis"),
    ],
)
def test_what_has_no_kernel_has_no_figures(op: Op, shapes: Sequence[Shape], reason: str) -> None:
    assert cost(op, shapes, M4) == Cost(None, None, None)
    assert kernel_of(op, shapes) is None
    assert reason in refusal(op, shapes)


def test_a_core_without_a_table_has_no_instructions() -> None:
    found = cost(Conv2D(SAME), CONV, load_core("host"))
    assert found.instructions is None
    assert found.origin is None
    assert found.flash_bytes == cost(Conv2D(SAME), CONV, M4).flash_bytes


def test_an_unknown_compiler_has_no_instructions() -> None:
    assert cost(Conv2D(SAME), CONV, M4, toolchain="other").instructions is None


@pytest.mark.parametrize("core", CORES)
@pytest.mark.parametrize(
    ("small", "large"),
    [
        ((Conv2D(), [(1, 8, 8, 8), (8, 1, 1, 8)]), (Conv2D(), [(1, 8, 8, 8), (16, 1, 1, 8)])),
        ((Dense(), [(1, 90), (20, 90)]), (Dense(), [(1, 180), (20, 180)])),
        ((Add(), [(1, 90), (1, 90)]), (Add(), [(1, 180), (1, 180)])),
        ((Concat(1), [(1, 9), (1, 9)]), (Concat(1), [(1, 900), (1, 9)])),
        (
            (MaxPool2D((2, 2), Window((4, 4))), [(1, 8, 8, 8)]),
            (MaxPool2D((4, 4), Window((4, 4))), [(1, 8, 8, 8)]),
        ),
    ],
)
def test_more_work_costs_more(
    core: str, small: tuple[Op, list[Shape]], large: tuple[Op, list[Shape]]
) -> None:
    less, more = (cost(op, s, load_core(core)).instructions for op, s in (small, large))
    assert less is not None
    assert more is not None
    assert less < more


def test_a_specialised_kernel_is_cheaper() -> None:
    """A pool that is the only one of its model is compiled for its one shape."""
    pool = (MaxPool2D((8, 8), Window((8, 8))), [(1, 8, 8, 64)])
    shared, alone = cost(*pool, M4).instructions, cost(*pool, M4, alone=True).instructions
    assert shared is not None
    assert alone is not None
    assert alone < shared


def test_a_call_takes_microseconds() -> None:
    cost(Conv2D(SAME), CONV, M4)
    start = time.perf_counter()
    for size in range(1000):
        cost(Dense(), [(1, 10 + size), (33, 10 + size), (33,)], M4, "float32")
    assert time.perf_counter() - start < 0.5, "a thousand new shapes"
    start = time.perf_counter()
    for size in range(50):
        cost(Dense(), [(1, 10 + size), (33, 10 + size), (33,)], M4)
    assert time.perf_counter() - start < 5, "fifty new shapes of a kernel in assembly"
    start = time.perf_counter()
    for _ in range(10_000):
        cost(Conv2D(SAME), CONV, M4)
    assert time.perf_counter() - start < 0.5, "ten thousand known ones"


def test_importing_it_imports_nothing_heavy() -> None:
    heavy = "onnx onnxruntime unicorn capstone ai_edge_litert jinja2 rich pydantic elftools"
    code = f"import sys, profiles.cost; print([m for m in '{heavy}'.split() if m in sys.modules])"
    root = Path(__file__).parents[2]
    shown = subprocess.run([sys.executable, "-c", code], cwd=root, capture_output=True, text=True)
    assert shown.stdout.strip() == "[]", shown.stderr


def check_model(graph: Graph, core: str, tool: str, counted: int | None) -> None:
    expected = expected_instructions(graph, core, tool)
    assert expected is not None
    assert counted is not None
    assert abs(expected / counted - 1) < TOLERANCE, f"{expected:,} expected, {counted:,} counted"


@pytest.mark.parametrize("tool", ["gcc", "zig"])
@pytest.mark.parametrize("core", ["cortex-m4", "cortex-m0plus", "rv32imc"])
def test_the_digits_model(core: str, tool: ToolchainChoice, conversions: Conversions) -> None:
    skip_unless(get_toolchain(tool).missing(load_core(core)))
    emulator("unicorn", core)
    samples = load_arrays(DIGITS / "calibration.npz")
    options = ConvertOptions(core, toolchain=tool)
    found = conversions(DIGITS / "digits.onnx", options, samples)
    check_model(found.graph, core, tool, found.report.latency.instructions)


@pytest.mark.parametrize("name", INT8_MODELS)
def test_models_that_were_not_fitted(name: str, conversions: Conversions) -> None:
    emulator("unicorn", "cortex-m4")
    found = conversions(int8_model(name), ConvertOptions("cortex-m4", vectors=1))
    kept = next(c.name for c in found.report.toolchain if c.chosen)
    check_model(found.graph, "cortex-m4", kept, found.report.latency.instructions)
    costs = [cost(op, shapes, M4) for op, shapes in shapes_of(found.graph)]
    flash = sum(c.flash_bytes or 0 for c in costs)
    assert found.manifest.weights_bytes == pytest.approx(flash, rel=PACKING)
    apart = plan(found.graph, PORTABLE.scratch_bytes).arena_bytes  # no result over its operands
    assert max(c.ram_bytes or 0 for c in costs) <= apart
