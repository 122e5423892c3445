"""Depthwise 3x3 convolutions by rows: shares of a row, borders, rounding, overlaps."""

from __future__ import annotations

import numpy as np
import pytest

from edgekit.ir import Graph
from edgekit.ir.ops import QConv2D, Rounding, Window
from quantize.requantize import make_requant
from tests.codegen import graphs
from tests.codegen.batch import BOTH
from tests.codegen.cores import able, check_limits, check_on
from tests.codegen.graphs import int8, single
from tests.codegen.kernel_cases import Extreme, conv
from tests.codegen.on_core import check, compare_counts, merged

CORES = ("cortex-m0plus", "cortex-m3")
RULES = (Rounding.DOUBLE, Rounding.SINGLE, Rounding.HIGH)
SAME = Window((1, 1), (1, 1, 1, 1))
HALF = Window((2, 2), (0, 0, 1, 1))
SHAPES: list[tuple[tuple[int, int], int, Window]] = [
    ((5, 8), 3, SAME),
    ((4, 11), 2, SAME),  # two shares of six, one pixel twice
    ((3, 17), 4, SAME),
    ((1, 1), 5, SAME),  # everything outside but one byte
    ((1, 4), 2, SAME),
    ((6, 1), 2, SAME),
    ((8, 8), 3, HALF),
    ((9, 33), 2, HALF),
    ((7, 7), 2, Window((2, 2), (1, 1, 1, 1))),
    ((6, 10), 3, Window()),
    ((5, 10), 2, Window((1, 2), (1, 0, 1, 0))),
    ((7, 9), 2, Window((3, 3), (1, 1, 1, 1))),
]


def depthwise(rng: np.random.Generator, index: int, rule: Rounding) -> Graph:
    """A depthwise convolution with scales from 2**-14 to a quarter."""
    size, channels, window = SHAPES[index]
    x_zero = int(rng.choice([-128, 127, int(rng.integers(-128, 128))]))
    weights, bias, _ = graphs.weights_and_bias(rng, (channels, 3, 3, 1), x_zero)
    scales = [float(s) for s in 2 ** rng.uniform(-14, -2.1, channels)]
    scales[0] = 2.0**-5  # exact ties
    zero = int(rng.integers(-128, 128))
    low, high = [(-128, 127), (zero, 127), (max(zero - 50, -128), min(zero + 9, 127))][index % 3]
    spec = make_requant(scales, rule, zero, low, high)
    return single(
        QConv2D(spec, x_zero, window, channels), [int8(1, *size, channels), weights, bias]
    )


@pytest.mark.parametrize("toolchain", BOTH)
@pytest.mark.parametrize("core", CORES)
def test_shapes(core: str, toolchain: str) -> None:
    rng = np.random.default_rng(3)
    found = [depthwise(rng, i, RULES[(i + k) % 3]) for k in range(3) for i in range(len(SHAPES))]
    check_on(core, found, "rows", toolchain)


@pytest.mark.parametrize("core", CORES)
def test_counts(core: str) -> None:
    """With every rounding and clamp; `windows` compute such layers too, so the choice depends on
    it."""
    rng, kernels = np.random.default_rng(5), able(core)
    kinds = (Extreme(zero=3), Extreme(zero=-128, clamp=(0, 255)), Extreme(zero=3, clamp=(-90, 90)))
    found = [
        conv(rng, (12, 12), (16, 3, 3, 1), window, 16, rule, kind)
        for kind in kinds
        for rule in RULES
        for window in (SAME, HALF)
    ]
    graph = merged(found)
    compare_counts(graph, kernels, check(graph, kernels, core, "gcc"), 0.07)


@pytest.mark.parametrize("core", CORES)
def test_extreme_weights_and_inputs(core: str) -> None:
    found = []
    for weight in (-128, 127):
        for zero in (-128, 0, 127):
            weights = np.full((2, 3, 3, 1), weight, np.int8)
            spec = make_requant([2.0**-10, 2.0**-11], Rounding.DOUBLE, 3)
            bias = np.array([-9, 70000], np.int32)
            op = QConv2D(spec, zero, SAME, 2)
            found.append(single(op, [int8(1, 3, 7, 2), weights, bias]))
    check_on(core, found, "rows")


@pytest.mark.parametrize("core", CORES)
def test_outputs_lie_over_inputs_as_far_as_declared(core: str) -> None:
    rng = np.random.default_rng(4)
    check_limits(core, [depthwise(rng, i, RULES[i % 3]) for i in range(len(SHAPES))])
