"""Convolutions of Armv8.1-M: assembly on the emulated core, its equals on the host."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import pytest

from codegen.c.choice import KernelSet
from edgekit.ir import Graph
from edgekit.ir.ops import QConv2D, Rounding, Window
from quantize.requantize import make_requant
from tests.codegen.batch import BOTH
from tests.codegen.graphs import int8, single, weights_and_bias
from tests.codegen.on_core import at_limit, check, check_grid, chosen, compare_counts, merged

CORE = "cortex-m55"
PLAIN = Window()
Size = tuple[int, int]


def conv(
    rng: np.random.Generator,
    size: Size,
    channels: int,
    filters: int,
    kernel: Size = (1, 1),
    window: Window = PLAIN,
    rule: Rounding = Rounding.DOUBLE,
    groups: int = 1,
) -> Graph:
    """A convolution whose scales have a vector form: below one half for DOUBLE."""
    x_zero = int(rng.choice([-128, 127, 0, 5]))
    shape = (filters, *kernel, channels // groups)
    weights, bias, bounds = weights_and_bias(rng, shape, x_zero)
    top = 2.0 if rule is Rounding.SINGLE else -1.01
    scales = np.minimum(2 ** rng.uniform(-12, top, filters), 2**29 / np.maximum(bounds, 1))
    zero = int(rng.integers(-128, 128))
    low, high = [(-128, 127), (zero, 127), (-128, 90), (-60, 60)][int(rng.integers(4))]
    spec = make_requant(scales.tolist(), rule, zero, low, high, bounds)
    op = QConv2D(spec, x_zero, window, groups)
    return single(op, [int8(1, *size, channels), weights, bias])


def pointwise() -> Iterator[Graph]:
    rng = np.random.default_rng(1)
    rules = (Rounding.DOUBLE, Rounding.SINGLE, Rounding.HIGH)
    for index, channels in enumerate((8, 16, 24, 32, 40, 48, 64, 96, 128, 256)):
        for size, filters in (((2, 2), 1), ((1, 7), 5), ((3, 3), 8), ((5, 5), 2)):
            rule = rules[(index + filters) % len(rules)]
            yield conv(rng, size, channels, filters, rule=rule)
    for channels, filters in ((360, 3), (512, 2), (680, 4), (1024, 1)):
        yield conv(rng, (2, 3), channels, filters)
    for stride in ((1, 2), (2, 2), (3, 1)):
        yield conv(rng, (9, 16), 16, 6, window=Window(stride))


@pytest.mark.parametrize("core", ["host", CORE])
@pytest.mark.parametrize("toolchain", BOTH)
def test_pointwise(core: str, toolchain: str) -> None:
    graph, kernels = merged(list(pointwise())), KernelSet("mve", frozenset({"lanes"}))
    assert chosen(graph, kernels).count("pointwise") >= len(graph.nodes) - 4
    run = check(graph, kernels, core, toolchain)
    if core == CORE:
        compare_counts(graph, kernels, run)


@pytest.mark.parametrize("core", ["host", CORE])
@pytest.mark.parametrize("backward", [False, True], ids=["forward", "backward"])
def test_pointwise_over_its_input(core: str, backward: bool) -> None:
    check(merged(list(pointwise())), KernelSet("mve"), core, planner=at_limit(backward))


def spatial() -> Iterator[Graph]:
    rng = np.random.default_rng(2)
    same, valid = (1, 1, 1, 1), (0, 0, 0, 0)
    for size, channels, filters, kernel, stride, padding in (
        ((5, 8), 16, 6, (3, 3), (1, 1), same),
        ((5, 11), 16, 3, (3, 3), (1, 1), same),
        ((8, 8), 32, 4, (3, 3), (2, 2), (0, 0, 1, 1)),
        ((6, 9), 64, 2, (3, 3), (1, 1), same),
        ((9, 21), 64, 3, (3, 3), (2, 2), same),
        ((4, 40), 48, 2, (1, 3), (1, 1), (0, 2, 0, 0)),
        ((12, 40), 3, 5, (3, 3), (1, 1), same),
        ((12, 96), 3, 4, (3, 3), (2, 2), (0, 0, 1, 1)),
        ((49, 10), 1, 8, (10, 4), (2, 2), (4, 1, 5, 1)),
        ((7, 3), 5, 3, (3, 2), (1, 1), valid),
        ((5, 5), 2, 1, (5, 5), (1, 1), (2, 2, 2, 2)),
        ((3, 3), 4, 4, (3, 3), (1, 1), (3, 2, 1, 2)),
        ((9, 9), 24, 4, (3, 3), (3, 1), valid),
        ((4, 7), 8, 4, (1, 2), (1, 1), valid),
        ((4, 5), 256, 2, (3, 3), (1, 1), same),
        ((5, 9), 128, 3, (3, 3), (2, 2), same),
        ((5, 6), 88, 2, (2, 3), (1, 1), same),
        ((5, 6), 30, 2, (3, 3), (1, 1), same),
        ((1, 30), 12, 4, (1, 9), (1, 2), (0, 4, 0, 4)),
        ((30, 1), 12, 4, (9, 1), (2, 1), (4, 0, 4, 0)),
    ):
        for rule in (Rounding.DOUBLE, Rounding.SINGLE):
            window = Window(stride, padding)
            yield conv(rng, size, channels, filters, kernel, window, rule)
    yield conv(rng, (9, 9), 16, 4, (3, 3), Window((1, 1), (2, 1, 2, 1), (2, 1)))
    yield conv(rng, (1, 23), 24, 4, (1, 3), Window((1, 1), (0, 8, 0, 0), (1, 4)))
    yield conv(rng, (3, 3), 64, 4, (3, 3), Window((1, 1), (1, 1, 1, 1)))


@pytest.mark.parametrize("core", ["host", CORE])
@pytest.mark.parametrize("toolchain", BOTH)
def test_spatial(core: str, toolchain: str) -> None:
    graph, kernels = merged(list(spatial())), KernelSet("mve")
    assert set(chosen(graph, kernels)) == {"rows"}
    run = check(graph, kernels, core, toolchain)
    if core == CORE:
        compare_counts(graph, kernels, run)


@pytest.mark.parametrize("core", ["host", CORE])
@pytest.mark.parametrize("backward", [False, True], ids=["forward", "backward"])
def test_spatial_over_its_input(core: str, backward: bool) -> None:
    check(merged(list(spatial())), KernelSet("mve"), core, planner=at_limit(backward))


def test_a_few_pixels_are_rows_of_a_dense_layer() -> None:
    rng = np.random.default_rng(11)
    graph = merged([conv(rng, size, 40, 17) for size in ((1, 1), (1, 3), (3, 1))])
    kernels = KernelSet("mve")
    assert chosen(graph, kernels) == ["lanes"] * 3
    for core in ("host", CORE):
        check(graph, kernels, core)
        check(graph, kernels, core, planner=at_limit(False))


@pytest.mark.parametrize("toolchain", BOTH)
def test_a_window_that_is_the_input_is_a_row_of_a_dense_layer(toolchain: str) -> None:
    rng = np.random.default_rng(12)
    graphs = [conv(rng, size, 24, 17, size) for size in ((3, 1), (2, 3), (5, 1), (1, 4))]
    graphs.append(conv(rng, (5, 1), 40, 32, (5, 1), Window((3, 1)), Rounding.SINGLE))
    graph, kernels = merged(graphs), KernelSet("mve")
    assert set(chosen(graph, kernels)) == {"lanes"}
    check(graph, kernels, "host", toolchain)
    run = check(graph, kernels, CORE, toolchain)
    compare_counts(graph, kernels, run)
    padded = conv(rng, (3, 3), 8, 4, (3, 3), Window(padding=(1, 1, 1, 1)))
    assert chosen(padded, kernels) != ["lanes"]


def depthwise() -> Iterator[Graph]:
    rng = np.random.default_rng(3)
    same = (1, 1, 1, 1)
    for size, channels, kernel, stride, padding in (
        ((6, 16), 8, (3, 3), (1, 1), same),
        ((7, 6), 128, (3, 3), (1, 1), same),
        ((25, 5), 16, (3, 3), (1, 1), same),
        ((3, 3), 136, (3, 3), (1, 1), same),
        ((12, 48), 16, (3, 3), (2, 2), (0, 0, 1, 1)),
        ((6, 6), 128, (3, 3), (2, 2), (0, 0, 1, 1)),
        ((9, 13), 24, (3, 3), (2, 1), same),
        ((9, 13), 24, (3, 3), (1, 2), same),
        ((1, 1), 8, (3, 3), (1, 1), same),
        ((1, 9), 8, (1, 4), (1, 1), (0, 1, 0, 2)),
        ((9, 1), 8, (4, 1), (1, 1), (2, 0, 3, 0)),
        ((8, 8), 16, (2, 2), (2, 2), (0, 0, 0, 0)),
        ((5, 7), 8, (4, 4), (3, 3), (3, 2, 3, 2)),
        ((5, 7), 8, (2, 3), (1, 1), (2, 2, 2, 2)),
    ):
        for rule in (Rounding.DOUBLE, Rounding.SINGLE):
            window = Window(stride, padding)
            yield conv(rng, size, channels, channels, kernel, window, rule, channels)


@pytest.mark.parametrize("core", ["host", CORE])
@pytest.mark.parametrize("toolchain", BOTH)
def test_depthwise(core: str, toolchain: str) -> None:
    graph, kernels = merged(list(depthwise())), KernelSet("mve")
    names = chosen(graph, kernels)
    assert set(names) <= {"planes", "taps"}, "taps are cheaper for a pixel or two"
    assert names.count("planes") >= 0.7 * len(names)
    run = check(graph, kernels, core, toolchain)
    if core == CORE:
        compare_counts(graph, kernels, run)


@pytest.mark.parametrize("core", ["host", CORE])
@pytest.mark.parametrize("backward", [False, True], ids=["forward", "backward"])
def test_depthwise_over_its_input(core: str, backward: bool) -> None:
    check(merged(list(depthwise())), KernelSet("mve"), core, planner=at_limit(backward))


def any_depthwise() -> Iterator[Graph]:
    rng = np.random.default_rng(4)
    for size, channels, kernel, stride, padding, dilation in (
        ((6, 16), 8, (5, 5), (1, 1), (2, 2, 2, 2), (1, 1)),
        ((7, 6), 37, (3, 3), (1, 1), (1, 1, 1, 1), (1, 1)),
        ((9, 14), 64, (5, 5), (2, 2), (1, 1, 2, 2), (1, 1)),
        ((1, 40), 12, (1, 9), (1, 1), (0, 8, 0, 8), (1, 2)),
        ((40, 1), 16, (7, 1), (1, 1), (6, 0, 0, 0), (1, 1)),
        ((5, 5), 3, (5, 5), (1, 1), (0, 0, 0, 0), (1, 1)),
        ((6, 7), 16, (3, 3), (1, 1), (2, 2, 2, 2), (2, 2)),
    ):
        for rule in (Rounding.DOUBLE, Rounding.SINGLE):
            window = Window(stride, padding, dilation)
            yield conv(rng, size, channels, channels, kernel, window, rule, channels)


def repeated() -> Iterator[Graph]:
    """Every number of filters for each channel, a last vector of every length."""
    rng = np.random.default_rng(6)
    for repeat in range(2, 17):
        channels = 2 + repeat % 4
        padding = (1, repeat % 3, 1, 1)
        window = Window((1 + repeat % 2, 1), padding, (1, 1 + repeat // 13))
        shape = (channels, channels * repeat, (3, 2 + repeat % 3))
        yield conv(rng, (5, 6), *shape, window, Rounding.DOUBLE, channels)
    yield conv(rng, (3, 70), 24, 48, (3, 3), Window(padding=(1, 1, 1, 1)), groups=24)  # parts
    yield conv(rng, (1, 3), 2, 6, (1, 3), Window(padding=(0, 6, 0, 3), strides=(1, 3)), groups=2)


@pytest.mark.parametrize("core", ["host", CORE])
@pytest.mark.parametrize("toolchain", BOTH)
def test_several_filters_for_each_channel(core: str, toolchain: str) -> None:
    check_grid(repeated(), KernelSet("mve"), {"taps", "planes"}, core, toolchain)


def repeated_planes() -> Iterator[Graph]:
    """Filters of each channel that are powers of 2, eights of filters."""
    rng = np.random.default_rng(8)
    same = (1, 1, 1, 1)
    for index, (size, channels, filters, kernel, stride, padding) in enumerate((
        ((6, 9), 4, 8, (3, 3), (1, 1), same),
        ((7, 6), 64, 128, (3, 3), (1, 1), same),
        ((5, 11), 4, 16, (3, 3), (2, 2), (0, 0, 1, 1)),
        ((8, 7), 3, 24, (3, 3), (1, 1), same),
        ((6, 8), 2, 32, (2, 4), (1, 1), (1, 2, 0, 1)),
        ((9, 6), 12, 24, (4, 4), (3, 1), (2, 3, 2, 3)),
        ((5, 5), 3, 96, (3, 3), (1, 1), same),
    )):  # fmt: skip
        rule = (Rounding.DOUBLE, Rounding.SINGLE)[index % 2]
        yield conv(rng, size, channels, filters, kernel, Window(stride, padding), rule, channels)


@pytest.mark.parametrize("core", ["host", CORE])
@pytest.mark.parametrize("toolchain", BOTH)
def test_several_filters_for_each_channel_in_planes(core: str, toolchain: str) -> None:
    check_grid(repeated_planes(), KernelSet("mve"), {"planes"}, core, toolchain)


def test_more_filters_for_each_channel_than_a_vector_holds_are_portable() -> None:
    rng = np.random.default_rng(7)
    graph = conv(rng, (3, 3), 2, 34, (3, 3), groups=2)
    assert chosen(graph, KernelSet("mve")) == [""]


@pytest.mark.parametrize("core", ["host", CORE])
@pytest.mark.parametrize("backward", [False, True], ids=["forward", "backward"])
def test_several_filters_over_their_input(core: str, backward: bool) -> None:
    graph = merged([*repeated(), *repeated_planes()])
    check(graph, KernelSet("mve"), core, planner=at_limit(backward))


@pytest.mark.parametrize("core", ["host", CORE])
@pytest.mark.parametrize("toolchain", BOTH)
def test_any_depthwise(core: str, toolchain: str) -> None:
    graph, kernels = merged(list(any_depthwise())), KernelSet("mve")
    assert set(chosen(graph, kernels)) == {"taps"}
    run = check(graph, kernels, core, toolchain)
    if core == CORE:
        compare_counts(graph, kernels, run)


@pytest.mark.parametrize("core", ["host", CORE])
@pytest.mark.parametrize("backward", [False, True], ids=["forward", "backward"])
def test_any_depthwise_over_its_input(core: str, backward: bool) -> None:
    check(merged(list(any_depthwise())), KernelSet("mve"), core, planner=at_limit(backward))
