"""Convolutions and dense layers of Armv7E-M that skip zeros, beside the numpy reference."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import pytest

from codegen.assembly.armv7e_m.sparse import CONV_SPARSE
from codegen.c.choice import KernelSet
from edgekit.ir import Graph
from edgekit.ir.ops import QConv2D, Window
from profiles.bench.pruning import Pattern, prune
from tests.codegen.batch import BOTH
from tests.codegen.graphs import single
from tests.codegen.on_core import at_limit, check, chosen, merged
from tests.codegen.test_armv7e_m_conv import PLAIN, SAME, Size, conv

CORE = "cortex-m4"
KERNELS = KernelSet("armv7e_m")
PATTERNS = (
    Pattern(2, 4, 0.5),
    Pattern(2, 4, 0.9),
    Pattern(2, 1, 0.75, of=4),  # halves of steps
    Pattern(2, 2, 0.6),
    Pattern(2, 4, 1.0),
)


def pruned(graph: Graph, pattern: Pattern) -> Graph:
    """The same layer with fewer weights."""
    (node,) = (n for n in graph.nodes if n.op.name != "Reshape")
    op, (x, weights, bias) = node.op, (v for v in node.inputs if v is not None)
    assert isinstance(op, QConv2D)
    return single(op, [x.type, prune(weights.array, pattern), bias.array])


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


@pytest.mark.parametrize("core", ["host", CORE])
@pytest.mark.parametrize("toolchain", BOTH)
def test_every_shape_and_pattern(core: str, toolchain: str) -> None:
    graph = merged(layers())
    names = chosen(graph, KERNELS)
    assert names.count(CONV_SPARSE.name) >= 0.6 * len(names)
    run = check(graph, KERNELS, core, toolchain)
    if core == CORE:
        for node, layer in zip(graph.nodes, run.layers, strict=True):
            if KERNELS.emitter(node) is CONV_SPARSE:
                assert layer.instructions == pytest.approx(CONV_SPARSE.instructions(node), 0.04, 20)


@pytest.mark.parametrize("backward", [False, True], ids=["forward", "backward"])
def test_over_its_input(backward: bool) -> None:
    check(merged(layers()), KERNELS, CORE, planner=at_limit(backward))


def test_dense_weights_keep_their_kernel() -> None:
    """Weights without zeros, or with few, are not listed."""
    rng = np.random.default_rng(3)
    layer = conv(rng, (4, 4), 32, 8)
    few = pruned(layer, Pattern(2, 4, 0.05))
    for graph in (layer, few):
        assert CONV_SPARSE.refuse(graph.nodes[0])
    assert not CONV_SPARSE.refuse(pruned(layer, Pattern(2, 4, 0.5)).nodes[0])
