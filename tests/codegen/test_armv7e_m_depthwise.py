"""Depthwise convolutions of Armv7E-M: assembly on the emulated core, its equals on the host."""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Sequence

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from codegen.assembly.armv7e_m.depthwise import DEPTHWISE_3X3, refuse_shape
from codegen.assembly.armv7e_m.depthwise_filters import filters_of, proven
from codegen.c.choice import KernelSet
from edgekit.ir import Graph
from edgekit.ir.ops import QConv2D, Rounding, Window
from profiles.runners.base import RunResult
from quantize.requantize import make_requant
from tests.codegen.batch import BOTH
from tests.codegen.graphs import int8, single, weights_and_bias
from tests.codegen.on_core import at_limit, check, chosen, merged

CORE = "cortex-m4"
KERNELS = KernelSet("armv7e_m")
Size = tuple[int, int]


def depthwise(
    rng: np.random.Generator,
    size: Size,
    channels: int,
    padding: Sequence[int] = (1, 1, 1, 1),
    rule: Rounding = Rounding.DOUBLE,
    stride: int = 1,
) -> Graph:
    """A layer with a fused ReLU, or with any zero point where the rule has a form without one."""
    x_zero = int(rng.choice([-128, 127, 0, 5]))
    weights, bias, bounds = weights_and_bias(rng, (channels, 3, 3, 1), x_zero)
    scales = np.minimum(2 ** rng.uniform(-12, -1.01, channels), 2**29 / np.maximum(bounds, 1))
    zero = -128 if rule is Rounding.DOUBLE else int(rng.integers(-128, 128))
    spec = make_requant(scales.tolist(), rule, zero, bounds=bounds)
    top, left, bottom, right = padding
    op = QConv2D(spec, x_zero, Window((stride, stride), (top, left, bottom, right)), channels)
    return single(op, [int8(1, *size, channels), weights, bias])


def layers(stride: int) -> Iterator[Graph]:
    """Every padding; odd and even sizes; all remainders of channels by four; one pair of columns
    up to more than the inner loops take at once."""
    rng = np.random.default_rng(1)
    rules = itertools.cycle((Rounding.DOUBLE, Rounding.SINGLE, Rounding.HIGH))
    channels = itertools.cycle((4, 5, 6, 7, 8, 12))
    for padding in itertools.product((0, 1), repeat=4):
        yield depthwise(rng, (5, 6), next(channels), padding, next(rules), stride)
        yield depthwise(rng, (4, 5), next(channels), padding, next(rules), stride)
    for width in (1, 2, 3, 7, 8, 9, 16, 17, 18, 24):
        yield depthwise(rng, (3, width), next(channels), (1, 1, 1, 1), next(rules), stride)
    for height in (2, 3, 6, 9):
        yield depthwise(rng, (height, 3), next(channels), (1, 1, 1, 1), next(rules), stride)


def compare_counts(graph: Graph, run: RunResult) -> None:
    """What a variant says of its instructions is near what the core executes, portable C aside."""
    for node, layer in zip(graph.nodes, run.layers, strict=True):
        variant, filters = KERNELS.emitter(node), filters_of(node)
        if variant is DEPTHWISE_3X3 and not isinstance(filters, str) and not filters.lacking.any():
            assert layer.instructions == pytest.approx(
                DEPTHWISE_3X3.instructions(node), 0.01, 40
            ), node


@pytest.mark.parametrize("core", ["host", CORE])
@pytest.mark.parametrize("toolchain", BOTH)
@pytest.mark.parametrize("stride", [1, 2])
def test_layers(core: str, toolchain: str, stride: int) -> None:
    graph = merged(list(layers(stride)))
    assert chosen(graph, KERNELS).count("depthwise3x3") >= 0.9 * len(graph.nodes)
    run = check(graph, KERNELS, core, toolchain)
    if core == CORE:
        compare_counts(graph, run)


@pytest.mark.parametrize("core", ["host", CORE])
@pytest.mark.parametrize("backward", [False, True], ids=["forward", "backward"])
@pytest.mark.parametrize("stride", [1, 2])
def test_over_its_input(core: str, backward: bool, stride: int) -> None:
    check(merged(list(layers(stride))), KERNELS, core, planner=at_limit(backward))


@settings(max_examples=8, deadline=None)
@given(st.integers(0, 2**32), st.integers(2, 12), st.integers(1, 20), st.integers(1, 2))
def test_random_layers_on_the_core(seed: int, height: int, width: int, stride: int) -> None:
    rng = np.random.default_rng(seed)
    padding = rng.integers(0, 2, 4).tolist()
    if height + padding[0] + padding[2] < 3 or width + padding[1] + padding[3] < 3:
        padding = (1, 1, 1, 1)
    channels = int(rng.integers(4, 12))
    layer = depthwise(rng, (height, width), channels, padding, stride=stride)
    check(merged([layer]), KERNELS, CORE)


def test_channels_that_are_dead_become_constants() -> None:
    rng = np.random.default_rng(3)
    weights = rng.integers(-128, 128, (4, 3, 3, 1), np.int8)
    bias = np.array([2**30, -(2**30), 99, 2**29], np.int32)
    spec = make_requant([2.0**-7, 2.0**-7, 2.0**-8, 2.0**-20], Rounding.DOUBLE, -128)
    op = QConv2D(spec, -128, Window(padding=(1, 1, 1, 1)), 4)
    graph = single(op, [int8(1, 4, 4, 4), weights, bias])
    filters = filters_of(graph.nodes[0])
    assert not isinstance(filters, str)
    assert filters.weights.any(axis=(1, 2)).tolist() == [False, False, True, False]
    check(merged([graph]), KERNELS, CORE)


@pytest.mark.parametrize("core", ["host", CORE])
@pytest.mark.parametrize("stride", [1, 2])
def test_channels_without_a_form_are_left_to_another_kernel(core: str, stride: int) -> None:
    """One channel shows two outputs, far from the zero point: no start reaches them."""
    rng = np.random.default_rng(5)
    weights = rng.integers(-128, 128, (9, 3, 3, 1), np.int8)
    weights[6, :, :, 0] = np.array([[90, -90, 30], [-60, 60, -60], [90, -30, -30]])
    bias = rng.integers(-2000, 2000, 9).astype(np.int32)
    bias[6] = 779101
    scales = [2.0**-9] * 9
    scales[6] = 1.233e-5
    spec = make_requant(scales, Rounding.DOUBLE, -128)
    op = QConv2D(spec, 0, Window((stride, stride), (1, 1, 1, 1)), 9)
    graph = single(op, [int8(1, 5, 6, 9), weights, bias])
    filters = filters_of(graph.nodes[0])
    assert not isinstance(filters, str)
    assert np.flatnonzero(filters.lacking).tolist() == [6]
    assert KERNELS.overlaps(graph.nodes[0])
    check(merged([graph]), KERNELS, core)


@pytest.mark.parametrize(
    ("graph", "reason"),
    [
        (depthwise(np.random.default_rng(4), (5, 5), 3), "at least 4 channels"),
        (depthwise(np.random.default_rng(4), (5, 5), 4, stride=3), "strides"),
        (depthwise(np.random.default_rng(4), (5, 5), 4, (2, 1, 1, 1)), "padding"),
        (depthwise(np.random.default_rng(4), (1, 5), 4), "rows of the input"),
        (depthwise(np.random.default_rng(4), (4, 70), 4), "bytes of scratch"),
    ],
    ids=lambda x: x if isinstance(x, str) else "",
)
def test_others_stay_portable(graph: Graph, reason: str) -> None:
    assert reason in refuse_shape(graph.nodes[0])


def test_ties_of_negative_sums_have_no_form() -> None:
    """DOUBLE rounds ties away from zero: one floor cannot."""
    weights = np.full((4, 3, 3, 1), 127, np.int8)
    spec = make_requant([2.0**-8] * 4, Rounding.DOUBLE, 0)
    op = QConv2D(spec, 0, Window(), 4)
    graph = single(op, [int8(1, 4, 4, 4), weights, np.zeros(4, np.int32)])
    assert "no proven" in str(proven(filters_of(graph.nodes[0])))
