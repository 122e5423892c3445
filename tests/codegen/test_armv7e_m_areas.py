"""Depthwise convolutions in areas on Armv7E-M: on the emulated core and on the host."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from codegen.assembly.armv7e_m.depthwise_area_layer import areas_of
from codegen.assembly.armv7e_m.depthwise_areas import DEPTHWISE_AREAS, refuse_shape
from codegen.assembly.armv7e_m.depthwise_windows import DEPTHWISE_WINDOWS
from codegen.c.choice import KernelSet
from edgekit.ir import Graph
from edgekit.ir.ops import QConv2D, Rounding, Window
from quantize.requantize import make_requant
from tests.codegen.batch import BOTH
from tests.codegen.graphs import int8, single
from tests.codegen.on_core import at_limit, check, chosen, compare_counts, merged
from tests.codegen.test_armv7e_m_windows import Size, depthwise

CORE = "cortex-m4"
KERNELS = KernelSet("armv7e_m", frozenset({"depthwise", "depthwise twice"}))
"""Layers of a few outputs are cheaper pixel by pixel."""
Layers = Callable[[], Iterator[Graph]]


def same(kernel: Size, strides: Size = (1, 1), dilations: Size = (1, 1)) -> Window:
    """Padding that keeps the size where the stride is 1; of an odd sum more at the end."""
    reach = [(k - 1) * d for k, d in zip(kernel, dilations, strict=True)]
    top, left = (r // 2 for r in reach)
    return Window(strides, (top, left, reach[0] - top, reach[1] - left), dilations)


def layers() -> Iterator[Graph]:
    """Every remainder of four outputs, every width, all that moves or cuts windows."""
    rng = np.random.default_rng(1)
    for columns in range(1, 10):
        yield depthwise(rng, (3, columns), 4, (5, 5), same((5, 5)))
        yield depthwise(rng, (4, columns + 8), 5, (7, 7), Window((2, 2), (3, 3, 2, 3)))
    for kernel in ((5, 3), (2, 2), (4, 4), (3, 5), (1, 5), (7, 7), (6, 7), (3, 8), (2, 9), (1, 11)):
        for strides in ((1, 1), (2, 2), (3, 1), (1, 2)):
            yield depthwise(rng, (8, 13), 6, kernel, same(kernel, strides))
    for dilations in ((2, 2), (3, 1), (1, 2), (2, 3)):
        for strides in ((1, 1), (2, 2), (1, 2)):
            yield depthwise(rng, (9, 14), 7, (3, 3), same((3, 3), strides, dilations))
            yield depthwise(rng, (11, 10), 4, (5, 5), same((5, 5), strides, dilations))
    # Phases of different lengths with as many columns, or rows, inside the input.
    yield depthwise(rng, (9, 14), 4, (3, 3), Window((1, 1), (0, 0, 0, 1), (1, 2)))
    yield depthwise(rng, (14, 9), 4, (3, 3), Window((1, 1), (0, 0, 1, 0), (2, 1)))
    yield depthwise(rng, (10, 9), 4, (3, 3), Window((1, 1), (0, 0, 1, 1), (2, 1)))
    for padding in ((0, 1, 0, 0), (6, 6, 7, 5), (0, 0, 9, 9), (1, 4, 0, 1)):
        yield depthwise(rng, (7, 6), 4, (5, 5), Window(padding=padding))


def wide() -> Iterator[Graph]:
    """Several areas beside each other, and images of one column or row."""
    rng = np.random.default_rng(2)
    for columns in (28, 29, 33, 57, 75):
        yield depthwise(rng, (3, columns), 4, (5, 5), same((5, 5)))
        yield depthwise(rng, (5, columns), 4, (5, 5), same((5, 5), (2, 2)))
        yield depthwise(rng, (2, columns), 9, (7, 7), same((7, 7)))
    yield depthwise(rng, (4, 70), 8, (3, 3), same((3, 3), (1, 1), (2, 2)))
    yield depthwise(rng, (4, 90), 80, (5, 5), same((5, 5)))  # rows too large for more than two
    for length in (9, 31, 60):
        yield depthwise(rng, (1, length), 8, (1, 9), same((1, 9)))
        yield depthwise(rng, (length, 1), 8, (9, 1), same((9, 1)))
        yield depthwise(rng, (length, 1), 5, (5, 1), same((5, 1), (2, 1)))
        yield depthwise(rng, (length, 1), 4, (4, 1), Window((2, 3), (0, 0, 1, 0), (2, 1)))
    yield depthwise(rng, (1, 1), 8, (5, 5), same((5, 5)))
    yield depthwise(rng, (1, 1), 4, (3, 3), same((3, 3), (2, 2), (2, 2)))


def twice() -> Iterator[Graph]:
    rng = np.random.default_rng(3)
    for zero, kernel in ((-60, (5, 5)), (0, (7, 7)), (77, (3, 3)), (90, (1, 9)), (1, (4, 4))):
        yield depthwise(rng, (7, 11), 6, kernel, same(kernel), zero)
        yield depthwise(rng, (6, 35), 4, kernel, same(kernel, (2, 2)), zero)


def check_areas(layers: Iterable[Graph], name: str, core: str, toolchain: str = "") -> None:
    """`check_grid`, but close: only the driver is the compiler's."""
    graph = merged(list(layers))
    assert set(chosen(graph, KERNELS)) == {name}
    run = check(graph, KERNELS, core, toolchain)
    if core == CORE:
        compare_counts(graph, KERNELS, run, glue=0.04)


@pytest.mark.parametrize("core", ["host", CORE])
@pytest.mark.parametrize("toolchain", BOTH)
def test_layers(core: str, toolchain: str) -> None:
    check_areas(layers(), "depthwise areas", core, toolchain)


@pytest.mark.parametrize("core", ["host", CORE])
@pytest.mark.parametrize("toolchain", BOTH)
def test_wide_layers(core: str, toolchain: str) -> None:
    check_areas(wide(), "depthwise areas", core, toolchain)


@pytest.mark.parametrize("core", ["host", CORE])
@pytest.mark.parametrize("toolchain", BOTH)
def test_layers_without_relu_are_rounded_twice(core: str, toolchain: str) -> None:
    check_areas(twice(), "depthwise areas twice", core, toolchain)


@pytest.mark.parametrize("core", ["host", CORE])
@pytest.mark.parametrize("backward", [False, True], ids=["forward", "backward"])
def test_over_its_input(core: str, backward: bool) -> None:
    check(merged([*layers(), *wide()]), KERNELS, core, planner=at_limit(backward))


@settings(max_examples=10, deadline=None)
@given(st.integers(0, 2**32))
def test_random_layers_on_the_core(seed: int) -> None:
    rng = np.random.default_rng(seed)
    kernel = int(rng.integers(1, 6)), int(rng.integers(2, 6))
    dilations = int(rng.integers(1, 3)), int(rng.integers(1, 3))
    strides = int(rng.integers(1, 4)), int(rng.integers(1, 3))
    padding = rng.integers(0, 5, 4).tolist()
    size = [
        max(int(rng.integers(1, 40)), (k - 1) * d + 1)
        for k, d in zip(kernel, dilations, strict=True)
    ]
    window = Window(strides, tuple(padding), dilations)
    layer = depthwise(rng, (size[0] // 3 + 9, size[1]), int(rng.integers(4, 10)), kernel, window)
    check(merged([layer]), KERNELS, CORE)


@pytest.mark.parametrize("core", ["host", CORE])
def test_largest_sums(core: str) -> None:
    """49 products of one sign, all at the ends of their ranges, and padding at either end."""

    def layer(weight: int, x_zero: int) -> Graph:
        weights = np.full((4, 7, 7, 1), weight, np.int8)
        bias = np.array([0, 10**6, -(10**6), 2**30], np.int32)
        spec = make_requant([2.0**-13, 2.0**-12, 2.0**-14, 2.0**-20], Rounding.DOUBLE, -128)
        op = QConv2D(spec, x_zero, same((7, 7)), 4)
        return single(op, [int8(1, 7, 8, 4), weights, bias])

    ends = ((127, -128), (-128, -128), (-128, 127))
    check_areas([layer(*end) for end in ends], "depthwise areas", core)


@pytest.mark.parametrize("core", ["host", CORE])
def test_several_samples(core: str) -> None:
    layer = depthwise(np.random.default_rng(5), (6, 7), 8, (5, 5), same((5, 5)))
    node = layer.nodes[0]
    weights, bias = node.input(1).array, node.input(2).array
    samples = single(node.op, [int8(3, 6, 7, 8), weights, bias])
    check_areas([samples], "depthwise areas", core)


@pytest.mark.parametrize("core", ["host", CORE])
def test_filters_without_a_form_are_left_to_portable_c(core: str) -> None:
    """Weights less their zero point leave int8 in one filter of eight."""
    layer = depthwise(np.random.default_rng(6), (6, 7), 8, (5, 5), same((5, 5)))
    node = layer.nodes[0]
    assert isinstance(node.op, QConv2D)
    weights = (node.input(1).array.astype(np.int16) // 2 + 90).clip(0, 127).astype(np.int8)
    weights[3] = -40
    op = replace(node.op, w_zero=90)
    graph = single(op, [int8(1, 6, 7, 8), weights, node.input(2).array])
    check(merged([graph]), KERNELS, core)
    assert KERNELS.emitter(graph.nodes[0]) is DEPTHWISE_AREAS
    assert DEPTHWISE_AREAS.cost(graph.nodes[0]).fallback > 0


def test_scratch_is_at_most_two_kibibytes() -> None:
    for graph in (*layers(), *wide()):
        assert DEPTHWISE_AREAS.scratch(graph.nodes[0]) <= 2048
        assert DEPTHWISE_AREAS.stack(graph.nodes[0]) <= 512


def test_output_lags_by_rows() -> None:
    """Behind an area's last output row all rows that it reads are free but those of the next."""
    node = depthwise(np.random.default_rng(7), (40, 40), 32, (5, 5), same((5, 5))).nodes[0]
    assert areas_of(node).band == 2
    (over,) = DEPTHWISE_AREAS.overlap(node)
    assert over is not None
    assert over.forward == -4 * 40 * 32


def test_output_of_one_row_lags_by_part_of_it() -> None:
    node = depthwise(np.random.default_rng(7), (40, 1), 128, (5, 1), Window()).nodes[0]
    (over,) = DEPTHWISE_AREAS.overlap(node)
    assert over is not None
    assert over.forward == -12 * 128


@pytest.mark.parametrize(
    ("size", "channels", "kernel", "window", "reason"),
    [
        ((5, 5), 3, (5, 5), Window(), "at least 4 channels"),
        ((9, 9), 4, (5, 1), Window(), "one column"),
        ((9, 9), 4, (5, 5), Window((1, 3)), "strides"),
        ((9, 9), 4, (6, 5), Window(), "more rows or columns"),
        ((3, 14), 4, (1, 13), Window(), "more rows or columns"),
    ],
)
def test_others_have_another_kernel(
    size: Size, channels: int, kernel: Size, window: Window, reason: str
) -> None:
    layer = depthwise(np.random.default_rng(8), size, channels, kernel, window)
    assert reason in refuse_shape(layer.nodes[0])


def test_both_kernels_of_windows_are_chosen_by_their_costs() -> None:
    node = depthwise(np.random.default_rng(9), (12, 12), 32, (5, 5), same((5, 5))).nodes[0]
    few, many = (v.instructions(node) for v in (DEPTHWISE_AREAS, DEPTHWISE_WINDOWS))
    assert 3 * few < many
