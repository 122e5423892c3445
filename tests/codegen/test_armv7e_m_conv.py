"""Convolutions of Armv7E-M: assembly on the emulated core, its equals on the host."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import pytest

from codegen.assembly.armv7e_m.conv import CONV
from codegen.c.choice import KernelSet
from edgekit.ir import Graph
from edgekit.ir.ops import QConv2D, Rounding, Window
from quantize.requantize import make_requant
from tests.codegen import graphs
from tests.codegen.batch import BOTH
from tests.codegen.graphs import int8, single, weights_and_bias
from tests.codegen.on_core import assert_counted, at_limit, check, chosen, merged

CORE = "cortex-m4"
KERNELS = KernelSet("armv7e_m", frozenset({"dense pairs", "dense sparse"}))
"""Without those that take single pixels."""
PLAIN = Window()
NONE, SAME = (0, 0, 0, 0), (1, 1, 1, 1)
Size = tuple[int, int]
RULES = (Rounding.DOUBLE, Rounding.HIGH, Rounding.SINGLE, Rounding.FLOAT, Rounding.DOUBLE)


def conv(
    rng: np.random.Generator,
    size: Size,
    channels: int,
    filters: int,
    kernel: Size = (1, 1),
    window: Window = PLAIN,
) -> Graph:
    """A convolution as models have them: symmetric weights, scales that use the output's range,
    some filters dead, with and without an activation."""
    x_zero = int(rng.choice([-128, 127, 0, 5]))
    weights, bias, bounds = weights_and_bias(rng, (filters, *kernel, channels), x_zero)
    weights = np.maximum(weights, -127)
    rule = RULES[int(rng.integers(len(RULES)))]
    usual = 200 / np.maximum(np.abs(weights.astype(int)).sum((1, 2, 3)) * 128.0, 1)
    scales = np.minimum(usual * 2 ** rng.uniform(-2, 3, filters), 2**29 / np.maximum(bounds, 1))
    scales = np.minimum(scales, 0.49)
    zero = int(rng.integers(-128, 128))
    low, high = [(-128, 127), (zero, 127), (-128, 90), (-60, 60)][int(rng.integers(4))]
    if rule is Rounding.DOUBLE and high == 127:
        zero, low = (-128, -128) if rng.random() < 0.5 else (zero, -128)
    spec = make_requant(scales.tolist(), rule, zero, low, high, bounds)
    return single(QConv2D(spec, x_zero, window), [int8(1, *size, channels), weights, bias])


def shapes() -> Iterator[tuple[Size, int, int, Size, Window]]:
    """Odd sizes, tails, one pixel, few and many channels, sums that wait, groups of filters."""
    for channels in (1, 2, 3, 4, 5, 7, 8, 16, 20, 32, 50, 64, 128, 144, 150, 151, 256):
        for size, filters in (((1, 1), 2), ((3, 3), 3), ((1, 7), 8)):
            yield size, channels, filters, (1, 1), PLAIN
    yield (3, 3), 256, 66, (1, 1), PLAIN
    for channels in (1, 3, 4, 5, 16, 32, 64):
        yield (6, 9), channels, 4, (3, 3), Window(padding=SAME)
        yield (9, 8), channels, 5, (3, 3), Window((2, 2), (0, 0, 1, 1))
    yield (5, 8), 8, 4, (3, 3), Window(padding=SAME)
    yield (5, 4), 16, 3, (3, 3), Window(padding=SAME)
    yield (4, 10), 4, 5, (3, 3), Window()
    yield (4, 5), 20, 2, (3, 3), Window(padding=(1, 1, 1, 0))
    yield (4, 5), 12, 2, (3, 3), Window(padding=(0, 0, 1, 1))
    yield (3, 8), 36, 4, (5, 3), Window((1, 1), (4, 1, 4, 1), (2, 1))
    yield (1, 12), 152, 2, (1, 3), Window(padding=(0, 1, 0, 1))
    yield (8, 8), 64, 64, (3, 3), Window(padding=SAME)
    yield (13, 10), 1, 8, (10, 4), Window((2, 2), (4, 1, 5, 1))
    yield (9, 9), 16, 4, (1, 1), Window((2, 2))
    yield (9, 9), 2, 4, (1, 1), Window((2, 3))
    yield (7, 11), 3, 4, (5, 5), Window(padding=(2, 2, 2, 2))
    yield (9, 9), 3, 6, (7, 7), Window((2, 2), (3, 3, 3, 3))
    yield (9, 9), 4, 4, (3, 3), Window((1, 1), (2, 2, 2, 2), (2, 2))
    yield (9, 9), 3, 4, (3, 3), Window((1, 2), (2, 1, 2, 1), (2, 1))
    yield (9, 9), 3, 4, (3, 3), Window((2, 1), (2, 3, 2, 3), (2, 3))
    yield (1, 30), 12, 4, (1, 9), Window((1, 2), (0, 4, 0, 4))
    yield (30, 1), 12, 4, (9, 1), Window((2, 1), (4, 0, 4, 0))
    yield (30, 1), 1, 4, (3, 1), Window()
    yield (2, 2), 4, 4, (3, 3), Window(padding=(3, 2, 1, 2))
    yield (5, 3), 40, 6, (4, 4), Window(padding=(2, 3, 1, 3))


def layers() -> list[Graph]:
    """Every shape, then dense layers of several rows."""
    rng = np.random.default_rng(1)
    found = [conv(rng, *shape) for shape in shapes()]
    for rows, depth, outputs in ((3, 5, 2), (4, 64, 7), (9, 130, 12)):
        found.append(graphs.dense(rng, rows, depth, outputs, Rounding.HIGH))
    return found


@pytest.mark.parametrize("core", ["host", CORE])
@pytest.mark.parametrize("toolchain", BOTH)
def test_every_shape(core: str, toolchain: str) -> None:
    graph = merged(layers())
    names = chosen(graph, KERNELS)
    assert names.count(CONV.name) >= 0.8 * len(names)
    run = check(graph, KERNELS, core, toolchain)
    if core == CORE:
        nodes = [n for n in graph.nodes if n.op.name != "Reshape"]
        for node, layer in zip(nodes, run.layers, strict=True):
            if KERNELS.emitter(node) is CONV:
                assert_counted(CONV, node, layer.instructions, 0.04, 20)


@pytest.mark.parametrize("core", ["host", CORE])
def test_windows_wider_than_the_input(core: str) -> None:
    """By two columns and more: no tap, several columns of few channels, lies wholly inside."""
    rng = np.random.default_rng(9)
    windows = [
        ((4, 3), (5, 5), (2, 2, 2, 2)),  # as SAME pads
        ((3, 1), (3, 3), (1, 0, 2, 2)),
        ((3, 1), (3, 3), (1, 2, 1, 0)),
        ((2, 3), (2, 7), (1, 6, 0, 6)),
    ]
    found = [
        conv(rng, size, channels, 5, kernel, Window((1, 1), pads))
        for channels in (1, 3, 6)
        for size, kernel, pads in windows
    ]
    graph = merged(found)
    assert chosen(graph, KERNELS).count(CONV.name) >= 8
    check(graph, KERNELS, core)


@pytest.mark.parametrize("backward", [False, True], ids=["forward", "backward"])
@pytest.mark.parametrize("core", ["host", CORE])
def test_over_its_input(core: str, backward: bool) -> None:
    rng = np.random.default_rng(2)
    many = [conv(rng, *shape) for shape in shapes()]
    check(merged(many), KERNELS, core, planner=at_limit(backward))
