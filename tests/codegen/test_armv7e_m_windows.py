"""Depthwise convolutions of any window on Armv7E-M: on the emulated core and on the host."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import pytest

from codegen.assembly.armv7e_m.depthwise_windows import refuse_shape
from codegen.c.choice import KernelSet
from codegen.c.step import Variant
from edgekit.ir import Graph
from edgekit.ir.ops import QConv2D, Rounding, Window
from profiles.runners.base import RunResult
from quantize.requantize import make_requant
from tests.codegen.batch import BOTH
from tests.codegen.graphs import int8, single, weights_and_bias
from tests.codegen.on_core import at_limit, check, chosen, compare_counts, merged

CORE = "cortex-m4"
KERNELS = KernelSet("armv7e_m", frozenset({"depthwise areas", "depthwise areas twice"}))
"""Areas are faster for most of these layers."""
Size = tuple[int, int]


def depthwise(
    rng: np.random.Generator,
    size: Size,
    channels: int,
    kernel: Size,
    window: Window,
    zero_point: int = -128,
    repeat: int = 1,
) -> Graph:
    """A layer, by default with a fused ReLU; ``repeat`` filters for each channel."""
    x_zero, filters = int(rng.choice([-128, 127, 0, 5])), channels * repeat
    weights, bias, bounds = weights_and_bias(rng, (filters, *kernel, 1), x_zero)
    scales = np.minimum(2 ** rng.uniform(-12, -8, filters), 2**29 / np.maximum(bounds, 1))
    spec = make_requant(scales.tolist(), Rounding.DOUBLE, zero_point, bounds=bounds)
    op = QConv2D(spec, x_zero, window, channels)
    return single(op, [int8(1, *size, channels), weights, bias])


def layers() -> Iterator[Graph]:
    rng = np.random.default_rng(1)
    same = Window(padding=(2, 2, 2, 2))
    yield depthwise(rng, (6, 7), 4, (5, 5), same)
    yield depthwise(rng, (7, 6), 12, (5, 5), Window((2, 2), (1, 1, 2, 2)))
    yield depthwise(rng, (9, 9), 8, (3, 3), Window(padding=(2, 2, 2, 2), dilations=(2, 2)))
    yield depthwise(rng, (1, 17), 8, (1, 4), Window(padding=(0, 1, 0, 2)))
    yield depthwise(rng, (17, 1), 8, (9, 1), Window(padding=(4, 0, 4, 0)))
    yield depthwise(rng, (1, 12), 16, (1, 3), Window((1, 2)))
    yield depthwise(rng, (1, 1), 8, (3, 3), Window(padding=(1, 1, 1, 1)))
    yield depthwise(rng, (7, 7), 4, (7, 7), Window())
    yield depthwise(rng, (4, 4), 8, (1, 1), Window())


def repeated() -> Iterator[Graph]:
    """Several filters for each channel, with a fused ReLU and without."""
    rng = np.random.default_rng(5)
    same = Window(padding=(1, 1, 1, 1))
    for zero in (-128, 3):
        for channels, repeat in ((2, 2), (6, 2), (3, 4), (2, 8), (3, 16), (2, 32)):
            yield depthwise(rng, (5, 4), channels, (3, 3), same, zero, repeat)
        yield depthwise(rng, (9, 7), 4, (5, 2), Window((2, 1), (2, 0, 3, 4), (1, 3)), zero, 2)
        yield depthwise(rng, (6, 5), 3, (3, 3), Window((2, 2), (0, 0, 1, 1)), zero, 8)
        yield depthwise(rng, (1, 20), 2, (1, 9), Window(padding=(0, 8, 0, 0)), zero, 4)
        yield depthwise(rng, (1, 1), 2, (1, 1), Window(), zero, 4)


@pytest.mark.parametrize("core", ["host", CORE])
@pytest.mark.parametrize("toolchain", BOTH)
def test_layers(core: str, toolchain: str) -> None:
    graph = merged(list(layers()))
    assert chosen(graph, KERNELS) == ["depthwise"] * len(graph.nodes)
    run = check(graph, KERNELS, core, toolchain)
    if core == CORE:
        assert_estimated(graph, run)


def assert_estimated(graph: Graph, run: RunResult) -> None:
    """Portable C walks over the windows, so costs are estimates."""
    for node, layer in zip(graph.nodes, run.layers, strict=True):
        variant = KERNELS.emitter(node)
        assert isinstance(variant, Variant)
        assert 0.77 < layer.instructions / variant.instructions(node) < 1.3, node


@pytest.mark.parametrize("core", ["host", CORE])
@pytest.mark.parametrize("toolchain", BOTH)
def test_layers_without_relu_are_rounded_twice(core: str, toolchain: str) -> None:
    rng = np.random.default_rng(3)
    same = Window(padding=(1, 1, 1, 1))
    shapes = [((6, 7), 4, (5, 5), same), ((17, 1), 8, (9, 1), Window()), ((5, 4), 12, (3, 3), same)]
    zeros = (-60, 0, 77)
    graph = merged([depthwise(rng, *s, z) for s, z in zip(shapes, zeros, strict=True)])
    assert chosen(graph, KERNELS) == ["depthwise twice"] * len(graph.nodes)
    run = check(graph, KERNELS, core, toolchain)
    if core == CORE:
        compare_counts(graph, KERNELS, run)


@pytest.mark.parametrize("core", ["host", CORE])
@pytest.mark.parametrize("toolchain", BOTH)
def test_several_filters_for_each_channel(core: str, toolchain: str) -> None:
    graph = merged(list(repeated()))
    names = chosen(graph, KERNELS)
    assert set(names) == {"depthwise", "depthwise twice"}
    run = check(graph, KERNELS, core, toolchain)
    if core == CORE:
        assert_estimated(graph, run)


@pytest.mark.parametrize("core", ["host", CORE])
@pytest.mark.parametrize("backward", [False, True], ids=["forward", "backward"])
def test_over_its_input(core: str, backward: bool) -> None:
    graph = merged([*layers(), *repeated()])
    check(graph, KERNELS, core, planner=at_limit(backward))


def test_others_stay_portable() -> None:
    rng = np.random.default_rng(2)
    assert "multiple of 4" in refuse_shape(depthwise(rng, (5, 5), 6, (5, 5), Window()).nodes[0])
    threes = depthwise(rng, (5, 5), 4, (3, 3), Window(), repeat=3)
    assert "power of 2" in refuse_shape(threes.nodes[0])
    check(merged([threes]), KERNELS, CORE)
    assert "49 taps" in refuse_shape(depthwise(rng, (9, 9), 4, (8, 8), Window()).nodes[0])
