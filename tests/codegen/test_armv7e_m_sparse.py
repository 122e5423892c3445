"""Convolutions and dense layers of Armv7E-M that skip zeros, beside the numpy reference."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from codegen.assembly.armv7e_m.sparse import CONV_SPARSE
from codegen.assembly.armv7e_m.sparse_dense import DENSE_SPARSE
from codegen.c.choice import KernelSet
from codegen.c.step import Variant
from edgekit.ir import Graph
from edgekit.ir.ops import Rounding, Window
from profiles.bench.pruning import Pattern, prune
from tests.codegen.batch import BOTH
from tests.codegen.on_core import at_limit, check, chosen, merged
from tests.codegen.test_armv7e_m_conv import PLAIN, SAME, Size, conv
from tests.codegen.test_armv7e_m_dense import dense

CORE = "cortex-m4"
KERNELS = KernelSet("armv7e_m")
CONVOLUTIONS = KernelSet("armv7e_m", frozenset({"dense pairs", "dense sparse"}))
"""Without those that take single pixels."""
RULES = (Rounding.FLOAT, Rounding.DOUBLE, Rounding.HIGH, Rounding.SINGLE)
PATTERNS = (
    Pattern(2, 4, 0.5),
    Pattern(2, 4, 0.9),
    Pattern(2, 1, 0.75, of=4),  # halves of steps
    Pattern(2, 2, 0.6),
    Pattern(2, 4, 1.0),
)


def pruned(graph: Graph, pattern: Pattern) -> Graph:
    """The same layer with fewer weights."""
    found = graph.copy()
    (node,) = (n for n in found.nodes if n.op.name != "Reshape")
    weights = prune(node.input(1).array, pattern)
    found.set_input(node, 1, found.constant(weights))
    return found


def shapes() -> Iterator[tuple[Size, int, int, Size, Window]]:
    """Odd counts, tails, one pixel, sums that wait, groups of filters, every way to fill a tile."""
    for channels in (8, 16, 20, 50, 64, 151, 256):
        for size, filters in (((1, 1), 2), ((3, 3), 5), ((1, 7), 8)):
            yield size, channels, filters, (1, 1), PLAIN
    yield (3, 3), 256, 66, (1, 1), PLAIN
    yield (6, 8), 16, 5, (3, 3), Window(padding=SAME)
    yield (9, 8), 64, 6, (3, 3), Window((2, 2), (0, 0, 1, 1))
    yield (9, 9), 3, 8, (3, 3), Window((2, 2), (0, 0, 1, 1))
    yield (13, 10), 1, 8, (10, 4), Window((2, 2), (4, 1, 5, 1))
    yield (4, 5), 20, 2, (3, 3), Window(padding=(1, 1, 1, 0))
    yield (8, 8), 64, 64, (3, 3), Window(padding=SAME)


def layers() -> list[Graph]:
    """Every shape with every pattern in turn."""
    rng = np.random.default_rng(1)
    return [
        pruned(conv(rng, *shape), PATTERNS[(i + k) % len(PATTERNS)])
        for i, shape in enumerate(shapes())
        for k in range(2)
    ]


def dense_layers() -> list[Graph]:
    """Every number of filters in a last block and of inputs in a last item, each way to scale."""
    rng = np.random.default_rng(5)
    blocks = (Pattern(4, 4, 0.5), Pattern(2, 4, 0.7), Pattern(4, 4, 0.95), Pattern(1, 1, 0.95))
    found = []
    for index, depth in enumerate((4, 7, 8, 33, 64, 130, 640, 904)):
        for outputs in (1, 2, 3, 4, 6, 21):
            turn = index + outputs
            layer = dense(rng, 1 + turn % 2, depth, outputs, RULES[turn % 4], spread=turn % 3)
            found.append(pruned(layer, blocks[turn % 4]))
    for clamp in ((-60, 60), (-128, 90), (0, 127)):
        layer = dense(rng, 1, 40, 6, Rounding.SINGLE, clamp)
        found.append(pruned(layer, Pattern(2, 4, 0.8)))
    return found


@pytest.mark.parametrize("core", ["host", CORE])
@pytest.mark.parametrize("toolchain", BOTH)
@pytest.mark.parametrize("variant", [CONV_SPARSE, DENSE_SPARSE], ids=["conv", "dense"])
def test_every_shape_and_pattern(core: str, toolchain: str, variant: Variant) -> None:
    graph, kernels = merged(dense_layers()), KERNELS
    if variant is CONV_SPARSE:
        graph, kernels = merged(layers()), CONVOLUTIONS
    names = chosen(graph, kernels)
    assert names.count(variant.name) >= 0.6 * len(names)
    run = check(graph, kernels, core, toolchain)
    if core == CORE:
        nodes = [n for n in graph.nodes if n.op.name != "Reshape"]
        for node, layer in zip(nodes, run.layers, strict=True):
            if kernels.emitter(node) is variant:
                assert layer.instructions == pytest.approx(variant.instructions(node), 0.04, 20)


@pytest.mark.parametrize("backward", [False, True], ids=["forward", "backward"])
def test_over_its_input(backward: bool) -> None:
    check(merged(layers()), CONVOLUTIONS, CORE, planner=at_limit(backward))


def test_dense_weights_keep_their_kernel() -> None:
    """Weights without zeros, or with few, are not listed."""
    rng = np.random.default_rng(3)
    layer = conv(rng, (4, 4), 32, 8)
    few = pruned(layer, Pattern(2, 4, 0.05))
    for graph in (layer, few):
        assert CONV_SPARSE.refuse(graph.nodes[0])
    assert not CONV_SPARSE.refuse(pruned(layer, Pattern(2, 4, 0.5)).nodes[0])


@st.composite
def sparse_layers(draw: st.DrawFn) -> Graph:
    """Any layer with any pattern, small enough to be one of many."""
    rng = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    block = draw(st.sampled_from((1, 2, 4))), draw(st.sampled_from((1, 2, 4)))
    pattern = Pattern(*block, draw(st.floats(0, 1)))
    filters = draw(st.integers(2, 20))
    if draw(st.booleans()):
        depth, rule = draw(st.integers(4, 90)), draw(st.sampled_from(RULES))
        return pruned(dense(rng, draw(st.integers(1, 2)), depth, filters, rule), pattern)
    height, width = draw(st.integers(1, 3)), draw(st.integers(1, 3))
    pads = [draw(st.integers(0, (k - 1) // 2)) for k in (height, width)] * 2
    window = Window((draw(st.integers(1, 2)),) * 2, (pads[0], pads[1], pads[2], pads[3]))
    size = draw(st.integers(height, 7)), draw(st.integers(width, 7))
    layer = conv(rng, size, draw(st.integers(1, 70)), filters, (height, width), window)
    return pruned(layer, pattern)


@pytest.mark.parametrize("core", ["host", CORE])
@settings(max_examples=3, deadline=None, suppress_health_check=list(HealthCheck))
@given(found=st.lists(sparse_layers(), min_size=15, max_size=15))
def test_random_ones(core: str, found: list[Graph]) -> None:
    check(merged(found), KERNELS, core)
