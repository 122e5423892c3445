"""Depthwise convolutions of int16 on Armv7E-M: on the emulated core and on the host."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

import numpy as np
import pytest

from codegen.assembly.armv7e_m.depthwise_areas import DEPTHWISE_WORDS
from codegen.assembly.armv7e_m.depthwise_lines import DEPTHWISE_LINES
from codegen.assembly.armv7e_m.depthwise_pixels import DEPTHWISE_PIXELS
from codegen.c.choice import KernelSet
from edgekit.ir import Graph
from edgekit.ir.ops import QConv2D, Window
from tests.codegen import test_armv7e_m_areas as areas
from tests.codegen.batch import BOTH
from tests.codegen.on_core import at_limit, check, chosen, compare_counts, merged
from tests.codegen.test_depthwise_s16 import depthwise, grid, others, rows

CORE = "cortex-m4"
KERNELS = KernelSet("armv7e_m", frozenset({DEPTHWISE_LINES.name, DEPTHWISE_PIXELS.name}))


def layers(like: Iterable[Graph]) -> Iterator[Graph]:
    """Of int16, with the shapes and windows of these layers of int8; some with the largest sums,
    some after a ReLU."""
    rng = np.random.default_rng(5)
    for index, graph in enumerate(like):
        node = graph.nodes[0]
        assert isinstance(node.op, QConv2D)
        _, height, width, channels = node.input(0).type.shape
        _, kernel_h, kernel_w, _ = node.input(1).type.shape
        low = 0 if index % 4 == 2 else -(2**15)
        size = height, width, channels
        yield depthwise(rng, size, (kernel_h, kernel_w), node.op.window, low, index % 3 == 0)


@pytest.mark.parametrize("core", ["host", CORE])
@pytest.mark.parametrize("toolchain", BOTH)
@pytest.mark.parametrize("like", [areas.layers, areas.wide])
def test_layers(like: areas.Layers, core: str, toolchain: str) -> None:
    graph = merged(list(layers(like())))
    assert set(chosen(graph, KERNELS)) == {DEPTHWISE_WORDS.name}
    run = check(graph, KERNELS, core, toolchain)
    if core == CORE:
        compare_counts(graph, KERNELS, run, glue=0.06)


def lines() -> list[Graph]:
    """3x3 windows of every border, and layers of one window or one column of them."""
    rng = np.random.default_rng(7)
    found = list(rows())
    for size in ((3, 3, 2), (3, 4, 5), (3, 2, 3), (4, 3, 1), (5, 4, 4)):
        for padding in ((0, 0, 0, 1), (1, 1, 1, 1), (0, 1, 1, 0)):
            for stride in ((1, 1), (1, 2), (2, 2)):
                if size[1] + padding[1] + padding[3] >= 3:
                    window = Window(stride, padding)
                    found.append(depthwise(rng, size, (3, 3), window, extreme=size[0] == 3))
    return found


@pytest.mark.parametrize("core", ["host", CORE])
@pytest.mark.parametrize("toolchain", BOTH)
def test_lines(core: str, toolchain: str) -> None:
    graph = merged([g for g in lines() if not DEPTHWISE_LINES.refuse(g.nodes[0])])
    kernels = KernelSet("armv7e_m", frozenset({DEPTHWISE_WORDS.name, DEPTHWISE_PIXELS.name}))
    assert len(graph.nodes) > 60
    assert set(chosen(graph, kernels)) == {DEPTHWISE_LINES.name}
    run = check(graph, kernels, core, toolchain)
    if core == CORE:
        compare_counts(graph, kernels, run, glue=0.06)


@pytest.mark.parametrize("core", ["host", CORE])
@pytest.mark.parametrize("backward", [False, True], ids=["forward", "backward"])
def test_lines_over_their_input(core: str, backward: bool) -> None:
    kernels = KernelSet("armv7e_m", frozenset({DEPTHWISE_WORDS.name, DEPTHWISE_PIXELS.name}))
    check(merged(lines()), kernels, core, planner=at_limit(backward))


def pixels() -> list[Graph]:
    """Windows of every kind, with borders that leave out rows, columns or all taps."""
    rng = np.random.default_rng(8)
    found = [*list(rows())[::3], *others()]
    for length in (1, 9, 14):
        window = Window((2, 1), (length // 2, 0, 4, 0), (1 + length % 2, 1))
        found.append(depthwise(rng, (17 + length, 1, 6), (9, 1), window, extreme=True))
        found.append(depthwise(rng, (12, 7, 4 + length), (10, 4), Window((2, 2), (4, 1, 5, 1))))
    found.append(depthwise(rng, (2, 3, 7), (2, 2), Window((1, 1), (5, 6, 4, 3), (2, 1))))
    return [g for g in found if not DEPTHWISE_PIXELS.refuse(g.nodes[0])]


ALONE = {v.name for v in (DEPTHWISE_WORDS, DEPTHWISE_LINES)}


@pytest.mark.parametrize("core", ["host", CORE])
@pytest.mark.parametrize("toolchain", BOTH)
def test_pixels(core: str, toolchain: str) -> None:
    kernels = KernelSet("armv7e_m", frozenset(ALONE))
    graph = merged(pixels())
    assert set(chosen(graph, kernels)) == {DEPTHWISE_PIXELS.name}
    run = check(graph, kernels, core, toolchain)
    if core == CORE:
        compare_counts(graph, kernels, run, glue=0.3)  # the driver of a pixel is the compiler's


@pytest.mark.parametrize("core", ["host", CORE])
@pytest.mark.parametrize("backward", [False, True], ids=["forward", "backward"])
def test_pixels_over_their_input(core: str, backward: bool) -> None:
    kernels = KernelSet("armv7e_m", frozenset(ALONE))
    check(merged(pixels()), kernels, core, planner=at_limit(backward))


@pytest.mark.parametrize("core", ["host", CORE])
def test_layers_of_every_border(core: str) -> None:
    check(merged(grid()), KernelSet("armv7e_m"), core)


@pytest.mark.parametrize("core", ["host", CORE])
@pytest.mark.parametrize("backward", [False, True], ids=["forward", "backward"])
def test_over_its_input(core: str, backward: bool) -> None:
    graph = merged([*layers(areas.layers()), *layers(areas.wide())])
    check(graph, KERNELS, core, planner=at_limit(backward))


def test_no_access_is_misaligned() -> None:
    """Five channels: of the last four, words begin at halves of words."""
    rng = np.random.default_rng(6)
    graph = merged([depthwise(rng, (3, 5, 5), (3, 3), Window(padding=(1, 1, 1, 1)))])
    for without in (set(), {DEPTHWISE_LINES.name}, ALONE):
        kernels = KernelSet("armv7e_m", frozenset(without))
        check(graph, kernels, CORE, emulator="qemu")
