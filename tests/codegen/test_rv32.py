"""Kernels of RV32IMC: their equals on the host and the functions on the core, over many shapes."""

from __future__ import annotations

import itertools
from collections.abc import Callable

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from codegen.c.choice import KernelSet
from codegen.c.step import Variant
from edgekit.ir import Graph
from edgekit.ir.ops import QConv2D, Rounding, Window
from edgekit.schedule import Program, plan
from quantize.requantize import accumulator_bounds, make_requant
from tests.codegen import graphs
from tests.codegen.batch import BOTH, Array, compile_all
from tests.codegen.cores import check_limits, check_on
from tests.codegen.graphs import RULES, int8, single
from tests.codegen.test_integer_kernels import windows

KERNELS = KernelSet("rv32")


def able(found: list[Graph], name: str = "") -> list[Graph]:
    """Graphs whose node has a kernel of the core's own, or the one of that name."""
    kernels = [KERNELS.emitter(g.nodes[-1]) for g in found]
    return [
        g
        for g, kernel in zip(found, kernels, strict=True)
        if isinstance(kernel, Variant) and name in (kernel.name, "")
    ]


def planned(graph: Graph) -> Program:
    """The plan with the core's kernels."""
    return plan(graph, KERNELS.scratch_bytes, KERNELS.overlaps)


def pointwise(rng: np.random.Generator) -> list[Graph]:
    """1x1: one pixel to several groups of six, odd filters, few and many channels."""
    shapes = [
        ((1, 1), 1, 4), ((1, 5), 3, 5), ((1, 6), 4, 8), ((1, 7), 8, 7), ((5, 5), 16, 6),
        ((3, 4), 33, 9), ((2, 3), 127, 4), ((2, 2), 128, 4), ((1, 3), 129, 5), ((1, 2), 300, 4),
    ]  # fmt: skip
    return [
        graphs.conv(rng, size, c, f, (1, 1), Window(stride), 1, RULES[i % len(RULES)])
        for stride in ((1, 1), (2, 2))
        for i, (size, c, f) in enumerate(shapes)
    ]


def windowed(rng: np.random.Generator) -> list[Graph]:
    """Every stride, pad and dilation."""
    found = []
    for index, (size, kernel, window) in zip(range(50), windows(rng), strict=False):
        channels, filters = int(rng.integers(1, 9)), int(rng.integers(4, 10))
        rule = RULES[index % len(RULES)]
        found.append(graphs.conv(rng, size, channels, filters, kernel, window, 1, rule))
    return found


def layers(rng: np.random.Generator) -> list[Graph]:
    """Layers as models have them: first layers, 10x4, several parts, wide sums."""
    same = Window((1, 1), (1, 1, 1, 1))
    cases = [
        ((9, 9), 3, 8, (3, 3), Window((2, 2), (0, 0, 1, 1))),
        ((12, 6), 1, 12, (10, 4), Window((2, 2), (4, 1, 5, 1))),
        ((6, 7), 16, 16, (3, 3), same),
        ((4, 4), 64, 8, (3, 3), same),
        ((5, 3), 17, 30, (5, 5), Window((1, 1), (2, 2, 2, 2))),
    ]
    return [graphs.conv(rng, *case[:4], case[4], 1, rule) for case in cases for rule in RULES[:2]]


FAMILIES: list[Callable[[np.random.Generator], list[Graph]]] = [pointwise, windowed, layers]


@pytest.mark.parametrize("toolchain", BOTH)
@pytest.mark.parametrize("family", FAMILIES, ids=lambda f: f.__name__)
def test_convolutions(family: Callable[[np.random.Generator], list[Graph]], toolchain: str) -> None:
    cases = family(np.random.default_rng(3))
    chosen = able(cases)
    assert len(chosen) > 0.7 * len(cases)
    check_on("rv32imc", chosen, "packed", toolchain)


def depthwise(rng: np.random.Generator) -> list[Graph]:
    """Odd and even heights, a single row, column or channel group, narrow and wide rows."""
    shapes = [
        (1, 1, 2),
        (1, 5, 3),
        (2, 2, 4),
        (3, 1, 5),
        (4, 7, 8),
        (5, 3, 2),
        (7, 12, 85),
        (3, 9, 130),
    ]
    same = Window((1, 1), (1, 1, 1, 1))
    long = [(5, 8, 300, (0, 0, 1, 1)), (5, 9, 300, (1, 1, 1, 1))]
    halving = (3, 4, 6), (3, 4, 7), (2, 5), ((0, 0, 1, 1), (1, 1, 1, 1), (0, 0, 0, 0), (1, 0, 0, 1))
    return [
        graphs.conv(rng, (h, wide), c, c, (3, 3), same, c, rule)
        for h, wide, c in shapes
        for rule in RULES
    ] + [
        graphs.conv(rng, (h, wide), c, c, (3, 3), Window((2, 2), pads), c, RULES[i % len(RULES)])
        for i, (h, wide, c, pads) in enumerate([*itertools.product(*halving), *long])
    ]


@pytest.mark.parametrize("toolchain", BOTH)
def test_depthwise_convolutions(toolchain: str) -> None:
    cases = depthwise(np.random.default_rng(5))
    chosen = able(cases, "depthwise3x3")
    assert len(chosen) > 0.3 * len(cases)
    check_on("rv32imc", chosen, "depthwise3x3", toolchain)


def test_depthwise_limits_are_safe() -> None:
    check_limits("rv32imc", able(depthwise(np.random.default_rng(7))))


@pytest.mark.parametrize("toolchain", BOTH)
def test_sums(toolchain: str) -> None:
    rng = np.random.default_rng(8)
    cases = [
        graphs.add(rng, int8(1, n), int8(1, n), rule)
        for n in (1, 3, 4, 5, 63)
        for rule in (Rounding.DOUBLE, Rounding.SINGLE)
        for _ in range(3)
    ]
    assert len(able(cases)) > 0.6 * len(cases)
    check_on("rv32imc", able(cases), "affine", toolchain)
    check_limits("rv32imc", able(cases))


@pytest.mark.parametrize("toolchain", BOTH)
def test_dense_layers(toolchain: str) -> None:
    rng = np.random.default_rng(2)
    sizes = [(1, 4, 16), (1, 33, 40), (1, 6, 1), (3, 5, 2), (2, 8, 12), (4, 7, 9), (1, 200, 3)]
    cases = [graphs.dense(rng, *size, rule) for size in sizes for rule in RULES]
    assert len(able(cases)) > 0.8 * len(cases)
    check_on("rv32imc", able(cases), "dense", toolchain)


def test_dense_limits_are_safe() -> None:
    rng = np.random.default_rng(6)
    sizes = [(3, 7, 3), (2, 3, 7), (4, 4, 18), (5, 6, 6)]
    check_limits("rv32imc", able([graphs.dense(rng, *s, r) for s in sizes for r in RULES[:3]]))


def extreme(weight: int, zero: int, bias: int, scale: float) -> Graph:
    """Every weight, zero point and bias at an end."""
    weights = np.full((4, 1, 1, 70), weight, np.int8)
    biases = np.full(4, bias, np.int32)
    low, high = accumulator_bounds(weights, biases, zero)
    spec = make_requant([scale] * 4, RULES[0], zero, bounds=[int(max(-low.min(), high.max()))] * 4)
    return single(QConv2D(spec, zero), [int8(1, 1, 7, 70), weights, biases])


def test_extremes() -> None:
    cases = [
        extreme(w, z, b, s)
        for w in (-128, 127)
        for z in (-128, 127)
        for b, s in ((0, 2**-13), (-900000, 2**-14), (2**30, 2**-20))
    ]
    check_on("rv32imc", able(cases), "packed")
    assert len(able(cases)) > 6


def test_declared_limits_are_safe() -> None:
    rng = np.random.default_rng(4)
    check_limits("rv32imc", able([*pointwise(rng), *windowed(rng)]))


@settings(max_examples=15, deadline=None)
@given(st.integers(0, 2**32 - 1))
def test_random_convolutions(seed: int) -> None:
    rng = np.random.default_rng(seed)
    size: Array = rng.integers(1, 8, 2)
    kernel = (int(rng.integers(1, 4)), int(rng.integers(1, 4)))
    window = Window((int(rng.integers(1, 3)), int(rng.integers(1, 3))), (1, 1, 2, 1))
    channels, filters = int(rng.integers(1, 40)), int(rng.integers(4, 20))
    rule = RULES[int(rng.integers(len(RULES)))]
    shape = int(size[0]), int(size[1])
    graph = graphs.conv(rng, shape, channels, filters, kernel, window, 1, rule)
    assume(able([graph]))
    (case,) = compile_all([graph], planner=planned, chosen=KERNELS)
    case.check_samples()
