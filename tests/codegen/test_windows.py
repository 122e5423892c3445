"""Depthwise convolutions with any window by patches: shapes, extremes, counts, overlaps."""

from __future__ import annotations

import itertools

import numpy as np
import pytest

from codegen.assembly import armv6_m, armv7_m
from codegen.assembly.turned import turned
from codegen.c.choice import KernelSet
from codegen.c.step import Variant
from edgekit.ir import Graph
from edgekit.ir.ops import QConv2D, Reshape, Rounding, Window
from quantize.requantize import make_requant
from tests.codegen import kernel_cases
from tests.codegen.batch import BOTH
from tests.codegen.cores import able, check_limits, check_on
from tests.codegen.graphs import int8, single
from tests.codegen.kernel_cases import EXTREMES, Extreme
from tests.codegen.on_core import at_limit, check, chosen, compare_counts, merged

CORES = ("cortex-m0plus", "cortex-m3")
RULES = (Rounding.DOUBLE, Rounding.SINGLE, Rounding.HIGH)
ISAS = {"cortex-m0plus": "armv6_m", "cortex-m3": "armv7_m"}
PLAIN = Extreme()
WINDOWS = {"armv6_m": armv6_m.WINDOWS, "armv7_m": armv7_m.WINDOWS}
Pair = tuple[int, int]


def same(kernel: Pair, strides: Pair = (1, 1), dilations: Pair = (1, 1)) -> Window:
    """As many rows and columns outside the input on both sides."""
    top, left = (d * (k - 1) // 2 for k, d in zip(kernel, dilations, strict=True))
    return Window(strides, (top, left, top, left), dilations)


SHAPES: tuple[tuple[Pair, int, int, Pair, Window], ...] = (
    ((1, 1), 2, 1, (5, 5), same((5, 5))),  # everything outside but one byte
    ((1, 1), 3, 2, (1, 1), Window()),
    ((7, 9), 4, 1, (5, 5), same((5, 5))),
    ((6, 13), 20, 1, (5, 5), same((5, 5))),  # patches of 16 and 4 channels
    ((5, 8), 3, 1, (5, 5), same((5, 5), (2, 2))),
    ((9, 10), 24, 1, (5, 5), Window((2, 2), (1, 1, 2, 2))),
    ((8, 7), 17, 1, (5, 5), Window()),
    ((7, 7), 8, 1, (7, 7), same((7, 7))),
    ((3, 4), 12, 1, (7, 7), same((7, 7), (2, 2))),  # every window reaches over edges
    ((20, 3), 16, 1, (9, 1), same((9, 1))),
    ((33, 1), 8, 1, (9, 1), same((9, 1))),  # along a column of one pixel's width
    ((31, 1), 5, 2, (5, 1), Window((3, 1), (0, 0, 4, 0), (2, 1))),
    ((1, 33), 8, 1, (1, 9), same((1, 9))),
    ((2, 40), 6, 1, (1, 13), Window((1, 2), (0, 12, 0, 3))),
    ((6, 7), 4, 2, (3, 3), same((3, 3))),
    ((9, 8), 5, 3, (3, 3), Window((2, 2), (0, 0, 1, 1))),
    ((5, 6), 2, 8, (5, 3), same((5, 3))),
    ((8, 9), 8, 1, (3, 3), same((3, 3), dilations=(2, 2))),
    ((9, 12), 4, 1, (3, 3), Window((2, 3), (4, 2, 1, 5), (4, 3))),
    ((6, 9), 4, 1, (2, 4), Window((3, 5), (0, 1, 1, 0))),  # columns that no window reads
    ((6, 8), 8, 1, (3, 3), Window(padding=(2, 3, 2, 2))),  # more padding than rows allow
    ((12, 12), 8, 1, (11, 11), same((11, 11))),
)  # fmt: skip
"""Size, channels, filters of each, kernel, window."""


def layer(rng: np.random.Generator, index: int, rule: Rounding, kind: Extreme = PLAIN) -> Graph:
    """A layer of one of the shapes."""
    size, channels, multiplier, kernel, window = SHAPES[index]
    shape = (channels * multiplier, *kernel, 1)
    return kernel_cases.conv(rng, size, shape, window, channels, rule, kind)


def layers(seed: int, clamp: Pair = (-255, 255)) -> list[Graph]:
    """Every shape, with a rule in turn."""
    rng = np.random.default_rng(seed)
    kind = Extreme(clamp=clamp)
    return [layer(rng, i, RULES[(seed + i) % 3], kind) for i in range(len(SHAPES))]


@pytest.mark.parametrize("toolchain", BOTH)
@pytest.mark.parametrize("core", CORES)
def test_shapes(core: str, toolchain: str) -> None:
    found = [g for seed in range(3) for g in layers(seed, ((-255, 255), (0, 255), (-40, 9))[seed])]
    check_on(core, found, "windows", toolchain)


@pytest.mark.parametrize("core", CORES)
def test_extremes(core: str) -> None:
    rng = np.random.default_rng(4)
    kinds = itertools.product(enumerate(EXTREMES), (0, 3, 7, 9, 14, 17))
    found = [layer(rng, shape, RULES[(i + shape) % 3], kind) for (i, kind), shape in kinds]
    names = chosen(merged(found), able(core))
    assert names.count("windows") > 0.9 * len(names)  # 2**6 times the scale may have no form
    check_on(core, found, None)


@pytest.mark.parametrize("core", CORES)
def test_several_samples(core: str) -> None:
    rng = np.random.default_rng(5)
    weights, bias, x_zero, spec = kernel_cases.constants(rng, (8, 5, 5, 1), Rounding.DOUBLE, PLAIN)
    graph = Graph("samples")
    x = graph.add_input("x", int8(1, 3 * 6 * 7 * 8))
    inputs = [graph.add_node(Reshape((3, 6, 7, 8)), [x], int8(3, 6, 7, 8)).output]
    inputs += [graph.constant(weights), graph.constant(bias)]
    op = QConv2D(spec, x_zero, same((5, 5)), 8)
    graph.outputs = [graph.add_node(op, inputs, int8(3, 6, 7, 8)).output]
    check_on(core, [graph], "windows")


@pytest.mark.parametrize("core", CORES)
def test_outputs_lie_over_inputs_as_far_as_declared(core: str) -> None:
    check_limits(core, layers(6))


@pytest.mark.parametrize("backward", [False, True], ids=["forward", "backward"])
@pytest.mark.parametrize("core", CORES)
def test_over_its_input_on_the_core(core: str, backward: bool) -> None:
    kernels = able(core)
    check(merged(layers(7)), kernels, core, planner=at_limit(backward))


@pytest.mark.parametrize("core", CORES)
def test_the_output_lags_by_few_pixels_more_than_in_portable_c(core: str) -> None:
    """Windows of five rows: two rows below a pixel and two pixels beside it are still read, and
    two patches may share pixels."""
    rng = np.random.default_rng(8)
    size, channels = (12, 24), 16
    shape = (channels, 5, 5, 1)
    graph = kernel_cases.conv(rng, size, shape, same((5, 5)), channels, Rounding.DOUBLE, PLAIN)
    (found,) = able(core).overlaps(graph.nodes[0])
    assert found is not None
    assert found.forward is not None
    assert found.backward is not None
    row = size[1] * channels
    pixels = WINDOWS[ISAS[core]].kernel(graph.nodes[0]).pixels
    most = 2 * row + (2 * pixels + 1) * channels
    assert 2 * row < -found.forward <= most
    assert 2 * row < found.backward <= most


@pytest.mark.parametrize("core", CORES)
def test_counts(core: str) -> None:
    """Of layers as models have them: sums that use the range of the outputs, channels on words."""
    rng = np.random.default_rng(9)
    kinds = [((5, 5), (1, 1)), ((5, 5), (2, 2)), ((7, 7), (1, 1)), ((9, 1), (1, 1))]
    found = []
    for (kernel, strides), channels in itertools.product(kinds, (16, 24, 36)):
        window, shape = same(kernel, strides), (channels, *kernel, 1)
        for kind in (Extreme(zero=3), Extreme(zero=-128, clamp=(0, 255))):
            rule = Rounding.DOUBLE
            found.append(kernel_cases.conv(rng, (14, 14), shape, window, channels, rule, kind))
    graph, kernels = merged(found), KernelSet(ISAS[core])
    compare_counts(graph, kernels, check(graph, kernels, core, "gcc"), 0.04)


@pytest.mark.parametrize("core", CORES)
def test_counts_of_channels_that_are_no_words(core: str) -> None:
    """Their pixels are copied byte by byte, or by memcpy, as a compiler likes."""
    rng, kernels = np.random.default_rng(6), KernelSet(ISAS[core])
    layers = [
        kernel_cases.conv(rng, (13, 8), (c, 7, 1, 1), window, c, RULES[1], PLAIN)
        for c in (2, 3, 5, 6)
        for window in (Window((3, 3)), same((7, 1)))
    ]
    graph = merged(layers)
    assert set(chosen(graph, kernels)) == {"windows"}
    compare_counts(graph, kernels, check(graph, kernels, core, "gcc"), 0.25)


@pytest.mark.parametrize("isa", WINDOWS)
def test_patches_are_small(isa: str) -> None:
    """So that arenas of small layers stay what they are."""
    rng, core = np.random.default_rng(16), WINDOWS[isa]
    kind = Extreme(zero=-128)
    found = set()
    for size, channels in itertools.product((4, 9, 20, 44), (2, 16, 64)):
        shape = (channels, 5, 5, 1)
        window = same((5, 5))
        graph = kernel_cases.conv(rng, (size, size), shape, window, channels, RULES[1], kind)
        (node,) = graph.nodes
        copied, whole = 25 * channels, 2 * size * size * channels
        assert core.scratch(node) <= min(max(copied, whole // 8, 256), 2048)
        found.add(core.kernel(node).lanes)
    assert found == {16, 8, 4}


@pytest.mark.parametrize("isa", WINDOWS)
def test_layers_share_functions(isa: str) -> None:
    """Size, padding, channels and their filters are data."""
    rng = np.random.default_rng(11)
    core, kernel = WINDOWS[isa], (5, 5)
    kind = Extreme(zero=-128)
    cases = [((20, 12), 24, 1, (2, 2)), ((9, 12), 40, 1, (2, 2)), ((40, 14), 6, 2, (0, 1))]
    symbols = set()
    for size, channels, multiplier, (top, left) in cases:
        window = Window(padding=(top, left, top, left))
        shape = (channels * multiplier, *kernel, 1)
        graph = kernel_cases.conv(rng, size, shape, window, channels, Rounding.SINGLE, kind)
        symbols.add(core.kernel(graph.nodes[0]).symbol)
    assert len(symbols) == 1


@pytest.mark.parametrize("isa", WINDOWS)
def test_registers_suffice(isa: str) -> None:
    rng, core = np.random.default_rng(12), WINDOWS[isa]
    for width, kernel in itertools.product((1, 2, 5, 11, 12, 13, 40), range(1, 12)):
        half = kernel // 2
        shape, window = (4, 1, kernel, 1), Window(padding=(0, half, 0, half))
        graph = kernel_cases.conv(rng, (2, width), shape, window, 4, Rounding.SINGLE, PLAIN)
        kind = core.kernel(graph.nodes[0])
        assert kind.width == kernel
        assert max(kind.pieces) - min(kind.pieces) <= 1
        assert kind.pixels <= min(core.pixels, turned(graph.nodes[0]).output.type.shape[2])
        assert max(kind.pieces) <= core.taps
        assert max(kind.pieces) + kind.pixels <= core.both


def test_a_column_is_computed_as_a_row() -> None:
    rng = np.random.default_rng(13)
    node = layer(rng, 11, Rounding.SINGLE).nodes[0]
    found = turned(node)
    op = found.op
    assert isinstance(op, QConv2D)
    assert op.window == Window((1, 3), (0, 0, 0, 4), (1, 2))
    assert [v.type.shape for v in (found.input(0), found.input(1), found.output)] == [
        (1, 1, 31, 5), (10, 1, 5, 1), (1, 1, 9, 10),
    ]  # fmt: skip
    np.testing.assert_array_equal(found.input(1).array.ravel(), node.input(1).array.ravel())
    wide = layer(rng, 9, Rounding.SINGLE).nodes[0]
    assert turned(wide) is wide


@pytest.mark.parametrize("core", CORES)
def test_filters_without_a_form_are_left_to_portable_c(core: str) -> None:
    rng = np.random.default_rng(14)
    found = []
    for kernel, multiplier in (((5, 5), 1), ((3, 3), 2), ((5, 5), 3)):
        filters = 8 * multiplier
        weights = rng.integers(-127, 128, (filters, *kernel, 1)).astype(np.int8)
        scales = [float(s) for s in 2 ** rng.uniform(-9, -8, filters)]
        scales[3] = 2.0**-7
        op = QConv2D(make_requant(scales, Rounding.EVEN, 3), 5, same(kernel), 8)
        found.append(single(op, [int8(1, 4, 5, 8), weights, np.zeros(filters, np.int32)]))
    kernels = able(core)
    for graph in found:
        variant = kernels.emitter(graph.nodes[0])
        assert isinstance(variant, Variant)
        assert variant.cost(graph.nodes[0]).fallback > 0
    check_on(core, found, "windows")


def test_what_is_refused() -> None:
    rng = np.random.default_rng(15)
    far = Window(dilations=(1, 70))
    graph = kernel_cases.conv(rng, (2, 80), (4, 1, 2, 1), far, 4, Rounding.SINGLE, PLAIN)
    assert WINDOWS["armv6_m"].refuse(graph.nodes[0]) == "taps too far apart"
    assert not WINDOWS["armv7_m"].refuse(graph.nodes[0])
    full = kernel_cases.conv(rng, (5, 5), (4, 5, 5, 2), Window(), 1, Rounding.SINGLE, PLAIN)
    assert WINDOWS["armv7_m"].refuse(full.nodes[0]) == "not depthwise"
