"""Convolutions and dense layers that skip zeros on cores without byte products, beside the numpy
reference."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from codegen.assembly import tiles
from codegen.assembly.listed import GROUP, PLACES, pack_lists, pieces_of
from codegen.c.choice import VARIANTS, KernelSet, kernels_for
from codegen.c.step import Variant
from edgekit.ir import Graph, Node
from edgekit.ir.ops import QConv2D, QDense, Rounding, Window
from profiles.bench.pruning import Pattern
from quantize.requantize import make_requant
from targets.load import load_core
from tests.codegen import test_tiles
from tests.codegen.batch import BOTH, Array
from tests.codegen.cores import check_limits, check_on
from tests.codegen.graphs import int8, single
from tests.codegen.kernel_cases import EXTREMES, Extreme, conv, dense
from tests.codegen.test_armv7e_m_sparse import pruned

CORES = ("cortex-m0plus", "cortex-m3", "rv32imc")
SINGLE = Pattern(1, 1, 0.75)
PATTERNS = (Pattern(1, 1, 0.7), Pattern(1, 1, 0.9), Pattern(2, 4, 0.8), Pattern(1, 1, 1.0))
RULES = (Rounding.DOUBLE, Rounding.SINGLE, Rounding.HIGH)


def sparse_variant(core: str, node: Node) -> Variant:
    """The kernel that lists the weights of a node."""
    variants = VARIANTS[kernels_for(load_core(core)).isa][type(node.op)]
    return next(v for v in variants if v.name.endswith("sparse"))


def check_sparse(core: str, graphs: Sequence[Graph], toolchain: str = "gcc") -> list[int]:
    """Those for which lists are worth it, most of them, with lists; instructions of each."""
    found = [g for g in graphs if not sparse_variant(core, g.nodes[-1]).refuse(g.nodes[-1])]
    assert len(found) >= 0.6 * len(graphs)
    return check_on(core, found, sparse_variant(core, found[0].nodes[-1]).name, toolchain)


def convolutions() -> list[Graph]:
    """Every shape of tiles with several patterns and rounding rules."""
    rng = np.random.default_rng(1)
    return [
        pruned(test_tiles.conv(rng, index, RULES[(index + k) % 3]), PATTERNS[(index + k) % 4])
        for index in range(len(test_tiles.SHAPES))
        for k in range(4)
    ]


def dense_layers() -> list[Graph]:
    """Every rounding rule; one list and several of each filter, the last one shorter or not."""
    rng = np.random.default_rng(2)
    found = []
    for index, depth in enumerate((40, 64, 130, 256, 257, 515, 700)):
        for k, outputs in enumerate((1, 3, 8, 21)):
            rule = (*RULES, Rounding.FLOAT)[(index + k) % 4]
            layer = dense(rng, 1 + k % 2, depth, outputs, rule, Extreme(clamp=(-90 * k, 255)))
            found.append(pruned(layer, PATTERNS[(index + 2 * k) % 4]))
    return found


@pytest.mark.parametrize("toolchain", BOTH)
@pytest.mark.parametrize("core", CORES)
def test_every_shape_and_pattern(core: str, toolchain: str) -> None:
    check_sparse(core, convolutions(), toolchain)
    check_sparse(core, dense_layers(), toolchain)


@pytest.mark.parametrize("core", CORES)
def test_extremes(core: str) -> None:
    """Weights and constants at the ends of their ranges, dead filters with huge biases; sums that
    wait for further calls as words and sums too large for that."""
    rng = np.random.default_rng(3)
    window = Window(padding=(1, 1, 1, 1))
    layers = [
        pruned(conv(rng, (4, 5), (7, 3, 3, 40), window, 1, RULES[i % 3], kind), PATTERNS[1 - i % 2])
        for i, kind in enumerate(EXTREMES)
    ]
    every = [(slice(None), slice(None))]
    assert any(tiles.largest_sum(g.nodes[-1], every) > tiles.MOST for g in layers)
    check_sparse(core, layers)
    rows = [dense(rng, 2, 70, 9, RULES[i % 3], kind) for i, kind in enumerate(EXTREMES)]
    check_sparse(core, [pruned(g, PATTERNS[i % 2]) for i, g in enumerate(rows)])


def filters_of(depth: int, counts: Sequence[int]) -> Array:
    """A filter with so many weights at an end of their range for each count: at the end of the
    inputs, at their beginning, -128 and 127 in turn; and three without any."""
    rows = np.zeros((2 * len(counts) + 3, depth), np.int8)
    ends = np.tile(np.array([-128, 127], np.int8), depth)
    for i, count in enumerate(counts):
        rows[2 * i, depth - count :] = ends[:count]
        rows[2 * i + 1, :count] = ends[1 : count + 1]
    return rows


COUNTS = (1, 2, GROUP - 1, GROUP, GROUP + 1, 2 * GROUP, 3 * GROUP - 1)


@pytest.mark.parametrize("core", CORES)
def test_lists_of_every_length(core: str) -> None:
    """None, one, whole groups and one less or more; first and last place of a list."""
    for depth, counts in ((64, COUNTS[:4]), (128, COUNTS), (PLACES, COUNTS), (3 * PLACES, COUNTS)):
        rows = filters_of(depth, counts)
        spec = make_requant([2.0**-9] * len(rows), Rounding.SINGLE, 3)
        bias = np.arange(-len(rows), len(rows), 2, dtype=np.int32)[: len(rows)]
        layers = [
            single(QDense(spec, 5), [int8(2, depth), rows, bias]),
            single(QConv2D(spec, 5), [int8(1, 2, 4, depth), rows[:, None, None], bias]),
        ]
        for layer in layers:
            check_sparse(core, [layer])


@pytest.mark.parametrize("core", CORES)
def test_outputs_lie_over_inputs_as_far_as_declared(core: str) -> None:
    check_limits(core, [*convolutions()[::3], *dense_layers()[::3]])


@pytest.mark.parametrize("core", CORES)
def test_the_declared_count_is_near_the_executed_one(core: str) -> None:
    rng = np.random.default_rng(6)
    found: list[Graph] = []
    for rule in RULES[:2]:
        for share in (0.6, 0.75, 0.95):
            for channels in (24, 64, 200):
                shape = (32, 1, 1, channels)
                layer = conv(rng, (9, 10), shape, Window(), 1, rule, Extreme((-50, 50)))
                found.append(pruned(layer, Pattern(1, 1, share)))
            layer = conv(rng, (15, 14), (24, 3, 3, 16), Window(), 1, rule, Extreme((-50, 50)))
            found.append(pruned(layer, Pattern(1, 1, share)))
    rows = [
        pruned(dense(rng, 1, depth, 24, rule, Extreme()), Pattern(1, 1, share))
        for rule in RULES[:2]
        for share in (0.75, 0.95)
        for depth in (64, 600)
    ]
    for graphs in (found, rows):
        for graph, executed in zip(graphs, check_sparse(core, graphs), strict=True):
            node = graph.nodes[-1]
            wanted = sparse_variant(core, node).instructions(node)
            assert wanted == pytest.approx(executed, rel=0.04), node


@pytest.mark.parametrize("core", CORES)
def test_weights_with_few_zeros_keep_their_kernel(core: str) -> None:
    rng = np.random.default_rng(3)
    kernels = kernels_for(load_core(core))
    for layer in (
        conv(rng, (4, 4), (8, 1, 1, 32), Window(), 1, RULES[1], Extreme()),
        dense(rng, 1, 64, 16, RULES[1], Extreme()),
    ):
        for few in (layer, pruned(layer, Pattern(1, 1, 0.05)), pruned(layer, Pattern(1, 1, 0.25))):
            emitter = kernels.emitter(few.nodes[-1])
            assert isinstance(emitter, Variant)
            assert not emitter.name.endswith("sparse")
        emitter = kernels.emitter(pruned(layer, SINGLE).nodes[-1])
        assert isinstance(emitter, Variant)
        assert emitter.name.endswith("sparse")


@pytest.mark.parametrize("core", CORES)
def test_a_list_is_taken_where_it_saves_a_tenth(core: str) -> None:
    """The share of zeros decides nothing but by what both kernels cost."""
    isa = kernels_for(load_core(core)).isa
    rng = np.random.default_rng(8)
    layer = conv(rng, (6, 6), (16, 1, 1, 64), Window(), 1, RULES[1], Extreme((-60, 60)))
    taken = []
    for percent in range(0, 100, 5):
        node = pruned(layer, Pattern(1, 1, percent / 100)).nodes[-1]
        variant = sparse_variant(core, node)
        plain = KernelSet(isa, frozenset({variant.name})).emitter(node)
        assert isinstance(plain, Variant)
        if not variant.refuse(node):
            taken.append(percent)
            assert variant.instructions(node) <= 0.9 * plain.instructions(node)
    assert taken == list(range(taken[0], 100, 5))
    assert 20 <= taken[0] <= 55


@pytest.mark.parametrize("core", CORES)
def test_filters_without_a_form_are_left_to_portable_c(core: str) -> None:
    """Half-to-even products, of which a few have none."""
    rng = np.random.default_rng(9)
    convs, rows = [], []
    for _ in range(6):
        shape, kind = (24, 1, 1, 64), Extreme((-50, 50))
        convs.append(pruned(conv(rng, (4, 5), shape, Window(), 1, Rounding.EVEN, kind), SINGLE))
        rows.append(pruned(dense(rng, 1, 120, 24, Rounding.EVEN, Extreme()), SINGLE))
    for found in (convs, rows):
        scratch = [sparse_variant(core, g.nodes[-1]).scratch(g.nodes[-1]) for g in found]
        assert max(scratch) > min(scratch)  # what portable C computes has its place there
        check_sparse(core, found)


def test_a_list_counts_backward_in_its_first_group() -> None:
    row = np.zeros((1, 40), np.int8)
    row[0, [0, 7, 39]] = 5, -128, 127
    assert pack_lists([row]).view(np.uint8).tolist() == [13, 0, 5, 0, 128, 7, 127, 39]
    assert pack_lists([np.zeros((2, 9), np.int8)]).tolist() == [16, 0, 16, 0]
    assert pack_lists([np.ones((1, 17), np.int8)])[:2].tolist() == [15, 1]
    assert pack_lists([np.ones((1, 256), np.int8)])[:2].tolist() == [0, 15]


def test_long_rows_have_equal_shares() -> None:
    rows = np.ones((2, 515), np.int8)
    first, second = pieces_of(rows)
    assert first.shape == second.shape == (3, 172)
    assert first.sum(axis=1).tolist() == [172, 172, 171]
    assert [p.shape for p in pieces_of(rows[:, :256])] == [(1, 256)] * 2


@st.composite
def sparse_layers(draw: st.DrawFn) -> Graph:
    """Any layer with any pattern, small enough to be one of many."""
    rng = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    block = draw(st.sampled_from((1, 2, 4))), draw(st.sampled_from((1, 2, 4)))
    pattern = Pattern(*block, draw(st.floats(0, 1)))
    rule, kind = draw(st.sampled_from(RULES)), draw(st.sampled_from(EXTREMES))
    filters = draw(st.integers(2, 20))
    if draw(st.booleans()):
        depth, rows = draw(st.integers(1, 600)), draw(st.integers(1, 2))
        return pruned(dense(rng, rows, depth, filters, rule, kind), pattern)
    height, width = draw(st.integers(1, 3)), draw(st.integers(1, 3))
    pads = [draw(st.integers(0, (k - 1) // 2)) for k in (height, width)] * 2
    window = Window((draw(st.integers(1, 2)),) * 2, (pads[0], pads[1], pads[2], pads[3]))
    size = draw(st.integers(height, 7)), draw(st.integers(width, 7))
    shape = (filters, height, width, draw(st.integers(1, 70)))
    return pruned(conv(rng, size, shape, window, 1, rule, kind), pattern)


@pytest.mark.parametrize("core", CORES)
@settings(max_examples=3, deadline=None, suppress_health_check=list(HealthCheck))
@given(found=st.lists(sparse_layers(), min_size=15, max_size=15))
def test_random_ones(core: str, found: list[Graph]) -> None:
    check_on(core, found, None)
