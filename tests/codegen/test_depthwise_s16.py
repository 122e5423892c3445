"""Depthwise convolutions of int16 in portable C, sums in 32 bits: rows of 3x3 windows, fours of
pixels, single pixels; every border, rests of channels, extremes."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import pytest

from codegen.c.choice import PORTABLE
from codegen.c.operators.wide import is_narrow, starts_of
from edgekit.ir import DType, Graph, TensorType
from edgekit.ir.ops import QConv2D, Rounding, Window
from quantize.requantize import make_requant
from tests.codegen.batch import BOTH, compile_all
from tests.codegen.graphs import single
from tests.codegen.on_core import at_limit, check, merged

CORES = ("cortex-m3", "cortex-m4", "cortex-m0plus", "cortex-m55", "rv32imc")
CHANNELS = (1, 3, 4, 5, 8)
BORDERS = ((0, 0), (1, 1), (0, 1), (1, 0), (0, 2))
"""Padding before and after a row of windows."""


def depthwise(
    rng: np.random.Generator,
    size: tuple[int, int, int],
    kernel: tuple[int, int],
    window: Window,
    low: int = -(2**15),
    extreme: bool = False,
    high: int = 2**15 - 1,
) -> Graph:
    """Most outputs are inside the range; those of ``extreme`` are beyond it on both sides."""
    channels = size[2]
    weights = rng.integers(-128, 128, (channels, *kernel, 1)).astype(np.int8)
    if extreme:
        weights = np.where(rng.random(weights.shape) < 0.5, np.int8(-128), np.int8(127))
    total = 2**15 * np.abs(weights.astype(np.int64)).reshape(channels, -1).sum(1)
    most = 2**31 - 1 - total
    bias = (
        most * rng.choice([-1, 0, 1], channels)
        if extreme
        else rng.integers(-(2**20), 2**20, channels)
    )
    scales = (
        np.full(channels, 0.49) if extreme else 2 ** rng.uniform(13, 16, channels) / (total + 1)
    )
    count = 1 if size[0] % 2 else channels
    scales = np.clip(scales, 2.0**-17.9, 2**29 / (total + np.abs(bias)))
    spec = make_requant(scales.tolist()[:count], Rounding.REDUCED, 0, low, high)
    x = TensorType((1, *size), DType.INT16)
    return single(QConv2D(spec, 0, window, channels), [x, weights, bias], DType.INT16)


def rows() -> Iterator[Graph]:
    """3x3 windows, one and two columns apart."""
    rng = np.random.default_rng(21)
    for index in range(60):
        before, after = BORDERS[index % 5], BORDERS[(index // 5 + index) % 5]
        padding = (before[0], after[0], before[1], after[1])
        stride = (1 + index // 2 % 2, 1 + index % 2)
        least = [3 - before[0] - before[1], 3 - after[0] - after[1]]
        height, width = (max(n, 1) + int(rng.integers(0, 6)) for n in least)
        size = (height, width, CHANNELS[index // 3 % 5])
        low = 0 if index % 4 == 0 else -(2**15)
        yield depthwise(rng, size, (3, 3), Window(stride, padding), low, index % 3 == 0)
    for size in ((1, 1, 3), (1, 2, 4), (2, 1, 5), (7, 9, 8)):
        yield depthwise(rng, size, (3, 3), Window((1, 1), (2, 1, 2, 1), (2, 1)), extreme=True)


def others() -> Iterator[Graph]:
    """By fours and single pixels."""
    rng = np.random.default_rng(22)
    windows = [
        ((5, 5), Window((1, 1), (2, 2, 2, 2))), ((5, 5), Window((2, 2), (1, 2, 2, 2))),
        ((1, 9), Window((1, 1), (0, 4, 0, 4))), ((9, 1), Window((1, 1), (4, 0, 4, 0))),
        ((3, 3), Window((1, 1), (2, 2, 2, 2), (2, 2))), ((3, 3), Window((3, 3), (1, 1, 1, 1))),
        ((3, 3), Window((1, 1), (1, 2, 1, 2))), ((3, 3), Window((1, 1), (2, 1, 2, 1))),
        ((2, 2), Window((1, 2), (0, 1, 1, 0))), ((1, 1), Window()), ((16, 16), Window()),
    ]  # fmt: skip
    for index, (kernel, window) in enumerate(windows):
        for channels in (CHANNELS[index % 5], CHANNELS[(index + 2) % 5]):
            size = (max(9, kernel[0]), max(11 + index % 4, kernel[1]), channels)
            yield depthwise(rng, size, kernel, window, extreme=kernel == (1, 9))


def grid() -> list[Graph]:
    return [*rows(), *others()]


def test_what_the_grid_reaches() -> None:
    nodes = [graph.nodes[0] for graph in grid()]
    assert all(map(is_narrow, nodes))
    whole = [starts_of(node) == (0,) and node.output.type.shape[2] > 1 for node in nodes]
    assert 30 < sum(whole) < len(whole) - 20


@pytest.mark.parametrize("toolchain", BOTH)
def test_on_the_host(toolchain: str) -> None:
    for case in compile_all(grid(), toolchain):
        case.check_samples()


@pytest.mark.parametrize("core", CORES)
@pytest.mark.parametrize("toolchain", BOTH)
def test_on_cores(core: str, toolchain: str) -> None:
    """With dual products on Cortex-M4, without long ones on Cortex-M0+."""
    check(merged(grid()), PORTABLE, core, toolchain)


@pytest.mark.parametrize("backward", [False, True])
@pytest.mark.parametrize("core", ["cortex-m4", "rv32imc"])
def test_over_the_input(core: str, backward: bool) -> None:
    check(merged(grid()), PORTABLE, core, planner=at_limit(backward))


def test_outputs_clamped_from_above_take_wide_sums() -> None:
    graph = depthwise(np.random.default_rng(1), (4, 5, 3), (3, 3), Window(), high=900)
    assert not is_narrow(graph.nodes[0])
    check(merged([graph]), PORTABLE, "cortex-m4")
