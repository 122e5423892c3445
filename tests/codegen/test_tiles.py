"""Convolutions by tiles of four pixels: shapes, divided taps and filters, borders, overlaps."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from codegen.assembly import tiles
from codegen.c.choice import KernelSet
from codegen.c.step import Variant
from edgekit.ir import Graph
from edgekit.ir.ops import QConv2D, Rounding, Window
from quantize.requantize import make_requant
from tests.codegen import graphs
from tests.codegen.batch import BOTH
from tests.codegen.cores import able, check_limits, check_on
from tests.codegen.graphs import int8, single
from tests.codegen.on_core import check, compare_counts, merged

CORES = ("cortex-m0plus", "cortex-m3")
RULES = (Rounding.DOUBLE, Rounding.SINGLE, Rounding.HIGH)
PAD = Window(padding=(1, 1, 1, 1))
SHAPES: list[tuple[tuple[int, int], int, int, tuple[int, int], Window]] = [
    ((5, 5), 8, 6, (1, 1), Window()),
    ((1, 1), 1, 2, (1, 1), Window()),  # one pixel, one tap
    ((3, 3), 3, 7, (1, 1), Window((2, 2))),  # odd filters
    ((2, 3), 65, 3, (1, 1), Window()),  # two calls of unequal pieces
    ((3, 2), 130, 70, (1, 1), Window()),  # three calls, two blocks
    ((4, 2), 90, 70, (1, 1), Window()),  # the same with sums that wait as words
    ((4, 5), 5, 4, (3, 3), PAD),
    ((6, 5), 16, 8, (3, 3), PAD),  # a call for each kernel row
    ((5, 6), 33, 5, (3, 3), Window((2, 2), (0, 0, 1, 1))),  # two calls for each
    ((9, 7), 3, 8, (3, 3), Window((2, 2), (0, 0, 1, 1))),  # a first layer
    ((12, 6), 1, 6, (10, 4), Window((2, 2), (4, 1, 5, 2))),
    ((20, 3), 1, 5, (17, 1), Window()),  # more rows than a call takes
    ((5, 5), 2, 2, (3, 3), Window((1, 1), (2, 2, 2, 2), (2, 1))),
    ((2, 2), 3, 4, (3, 3), PAD),  # every window reaches over an edge
    ((1, 9), 4, 9, (1, 3), Window((1, 1), (0, 1, 0, 1))),
]


def conv(rng: np.random.Generator, index: int, rule: Rounding) -> Graph:
    """One of the shapes, the clamp by its index."""
    return random_conv(rng, *SHAPES[index], rule, index % 3)


def random_conv(
    rng: np.random.Generator,
    size: tuple[int, int],
    channels: int,
    filters: int,
    kernel: tuple[int, int],
    window: Window,
    rule: Rounding,
    clamp: int,
) -> Graph:
    """A convolution with scales from 2**-14 to a quarter, the range of models."""
    x_zero = int(rng.choice([-128, 127, int(rng.integers(-128, 128))]))
    weights, bias, _ = graphs.weights_and_bias(rng, (filters, *kernel, channels), x_zero)
    scales = [float(s) for s in 2 ** rng.uniform(-14, -2.1, filters)]
    scales[0] = 2.0**-5  # exact ties
    zero = int(rng.integers(-128, 128))
    low, high = [(-128, 127), (zero, 127), (max(zero - 50, -128), min(zero + 9, 127))][clamp]
    spec = make_requant(scales, rule, zero, low, high)
    return single(QConv2D(spec, x_zero, window), [int8(1, *size, channels), weights, bias])


@pytest.mark.parametrize("toolchain", BOTH)
@pytest.mark.parametrize("core", CORES)
def test_shapes(core: str, toolchain: str) -> None:
    rng = np.random.default_rng(3)
    found = [conv(rng, i, RULES[(i + k) % 3]) for k in range(3) for i in range(len(SHAPES))]
    check_on(core, found, "tiles", toolchain)


@st.composite
def convs(draw: st.DrawFn) -> Graph:
    """Any convolution that tiles compute, small enough to be one of many."""
    kernel = draw(st.tuples(st.integers(1, 4), st.integers(1, 4)))
    size = draw(st.tuples(st.integers(kernel[0], 9), st.integers(kernel[1], 9)))
    strides = draw(st.tuples(st.integers(1, 3), st.integers(1, 3)))
    padding = [draw(st.integers(0, k - 1)) for k in (*kernel, *kernel)]
    window = Window(strides, (padding[0], padding[1], padding[2], padding[3]))
    channels, filters = draw(st.integers(1, 40)), draw(st.integers(2, 20))
    rng = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    rule, clamp = draw(st.sampled_from(RULES)), draw(st.integers(0, 2))
    return random_conv(rng, size, channels, filters, kernel, window, rule, clamp)


@pytest.mark.parametrize("core", CORES)
@settings(max_examples=3, deadline=None, suppress_health_check=list(HealthCheck))
@given(found=st.lists(convs(), min_size=12, max_size=12))
def test_random_ones(core: str, found: list[Graph]) -> None:
    check_on(core, found, None)


@pytest.mark.parametrize("core", CORES)
def test_sums_at_the_limit_of_their_words(core: str) -> None:
    """64 taps of 127 and of -127 against inputs that are all -128 and all 127."""
    found = []
    for weights in (np.full(64, 127), np.full(64, -127), np.tile([127, -127], 32)):
        rows = np.stack([weights, -weights, weights]).astype(np.int8).reshape(3, 1, 1, 64)
        spec = make_requant([2.0**-13 * s for s in (1.0, 0.9, 0.3)], Rounding.DOUBLE, -1)
        bias = np.array([5, -70000, 3], np.int32)
        found.append(single(QConv2D(spec, 0), [int8(1, 2, 4, 64), rows, bias]))
    assert all(tiles.largest_sum(g.nodes[0], [(slice(None), slice(None))]) > 10**6 for g in found)
    check_on(core, found, "tiles")


@pytest.mark.parametrize("core", CORES)
def test_outputs_lie_over_inputs_as_far_as_declared(core: str) -> None:
    rng = np.random.default_rng(4)
    check_limits(core, [conv(rng, i, RULES[i % 3]) for i in range(len(SHAPES))])


@pytest.mark.parametrize("core", CORES)
def test_the_declared_count_is_near_the_executed_one(core: str) -> None:
    rng, chosen = np.random.default_rng(6), able(core)
    found = [
        random_conv(rng, (9, 10), 24, 32, (kernel, kernel), window, RULES[0], 0)
        for kernel, window in ((1, Window()), (3, PAD))
    ]
    for graph, executed in zip(found, check_on(core, found, "tiles"), strict=True):
        emitter = chosen.emitter(graph.nodes[0])
        assert isinstance(emitter, Variant)
        assert emitter.instructions(graph.nodes[0]) == pytest.approx(executed, rel=0.07)


OTHERS = frozenset({"tiles sparse", "blocks", "blocks sparse"})
"""What may compute some of them, too."""


@pytest.mark.parametrize("core", CORES)
def test_counts_of_small_images(core: str) -> None:
    """Most windows reach over an edge, rows come in pieces, tiles are not full; by each clamp."""
    rng, kernels = np.random.default_rng(8), KernelSet(able(core).isa, OTHERS)
    around = Window(padding=(1, 2, 2, 1))
    shapes: list[tuple[tuple[int, int], int, int, tuple[int, int], Window]] = [
        *SHAPES,
        ((9, 4), 31, 5, (7, 7), Window(padding=(0, 1, 0, 2))),
        ((2, 8), 8, 2, (3, 7), around),
        ((11, 1), 48, 3, (3, 3), PAD),
        ((1, 1), 40, 9, (2, 3), around),
    ]
    found = [random_conv(rng, *s, RULES[i % 3], i % 2) for i, s in enumerate(shapes)]
    graph = merged([g for g in found if not tiles.refuse(g.nodes[0], 30)])
    assert len(graph.nodes) > 12
    compare_counts(graph, kernels, check(graph, kernels, core, "gcc"), 0.2)


def test_what_tiles_refuse() -> None:
    rng = np.random.default_rng(5)
    window = Window()
    refused = [
        graphs.conv(rng, (3, 3), 4, 4, (1, 1), window, 2, RULES[0]),  # groups
        graphs.conv(rng, (3, 3), 4, 1, (1, 1), window, 1, RULES[0]),  # one filter
        graphs.conv(rng, (5, 5), 2, 2, (3, 3), Window(dilations=(1, 2)), 1, RULES[0]),
    ]
    spec = make_requant([0.75], Rounding.DOUBLE)  # its product shifts by less than 32
    weights, bias = np.ones((2, 1, 1, 1), np.int8), np.zeros(2, np.int32)
    refused.append(single(QConv2D(spec), [int8(1, 2, 2, 1), weights, bias]))
    largest = single(
        QConv2D(make_requant([2.0**-13], RULES[0])),
        [int8(1, 2, 2, 64), np.full((2, 1, 1, 64), -128, np.int8), bias],
    )
    refused.append(largest)  # three sums do not fit into two words
    for core in CORES:
        found = able(core)
        kernels = [found.emitter(g.nodes[-1]) for g in refused]
        assert not any(isinstance(k, Variant) and "tiles" in k.name for k in kernels)


def test_weights_come_in_reading_order() -> None:
    """Five taps by two kernel rows, filters 0-2: the odd one is packed again with its neighbour."""
    weights = np.arange(30, dtype=np.int8)
    split = tiles.Split(2, 5, 3)
    assert list(split.blocks()) == [[0, 1], [1, 2]]
    first, second = tiles.pack(weights, split).reshape(2, 10, 2)
    assert first.tolist() == [[t, 10 + t] for t in range(10)]
    assert second.tolist() == [[10 + t, 20 + t] for t in range(10)]


@pytest.mark.parametrize(
    ("split", "calls", "blocks"),
    [
        (tiles.Split(1, 64, 200), 1, [200]),
        (tiles.Split(1, 65, 200), 2, [64, 64, 64, 8]),
        (tiles.Split(3, 9, 8), 1, [8]),
        (tiles.Split(3, 48, 66), 3, [64, 2]),
        (tiles.Split(3, 192, 65), 9, [64, 2]),
        (tiles.Split(17, 1, 5), 2, [4, 2]),
    ],
)
def test_taps_and_filters_are_divided(split: tiles.Split, calls: int, blocks: list[int]) -> None:
    assert len(split.calls) == calls
    assert [len(f) for f in split.blocks()] == blocks
