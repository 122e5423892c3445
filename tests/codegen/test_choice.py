"""Which layers stay in portable C although a kernel in assembly could compute them."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from codegen.c.choice import PORTABLE, kernels_for
from codegen.c.operators.estimates import portable_instructions
from codegen.c.step import Variant
from edgekit.ir import Graph, Node
from edgekit.ir.ops import QConv2D, QDense, Rounding, Window
from quantize.requantize import make_requant
from targets.load import load_core
from tests.codegen import test_columns as wide
from tests.codegen.graphs import int8, single
from tests.codegen.on_core import check, merged
from tests.codegen.test_others import with_zero_point

CORES = ("cortex-m0plus", "cortex-m3", "cortex-m4", "cortex-m55", "rv32imc")
PAD = Window(padding=(1, 1, 1, 1))
LARGE = 3000
"""Instructions beside which calls do not count."""


def layer(
    rng: np.random.Generator, left: int, filters: int, kernel: int, depth: int, groups: int = 1
) -> Graph:
    """A layer of which some filters meet ties to even, which have no form in assembly."""
    weights = rng.integers(-127, 128, (filters, kernel, kernel, depth // groups)).astype(np.int8)
    scales = [float(s) for s in 2 ** rng.uniform(-9.5, -9.1, filters)]
    scales[:left] = [2.0**-7] * left
    op = QConv2D(
        make_requant(scales, Rounding.EVEN, 3), 5, PAD if kernel == 3 else Window(), groups
    )
    return single(op, [int8(1, 6, 7, depth), weights, np.zeros(filters, np.int32)])


def dense(rng: np.random.Generator, rows: int, depth: int, filters: int) -> Graph:
    weights = rng.integers(-127, 128, (filters, depth)).astype(np.int8)
    op = QDense(make_requant([2.0**-9.3] * filters, Rounding.DOUBLE, 3), 5)
    return single(op, [int8(rows, depth), weights, np.zeros(filters, np.int32)])


def column(rng: np.random.Generator, height: int, taps: int, padding: int) -> Graph:
    """A depthwise layer of one column, as streaming models have them."""
    weights = rng.integers(-127, 128, (32, taps, 1, 1)).astype(np.int8)
    window = Window(padding=(padding, 0, padding, 0))
    op = QConv2D(make_requant([2.0**-9.3] * 32, Rounding.DOUBLE, 3), 5, window, 32)
    return single(op, [int8(1, height, 1, 32), weights, np.zeros(32, np.int32)])


def layers() -> list[Graph]:
    """Of int8 and of int16, from a few instructions to many."""
    rng = np.random.default_rng(1)
    return [
        *(layer(rng, left, 4, 3, 4) for left in (0, 1, 2)),
        *(layer(rng, left, 16, 1, 32) for left in (0, 1, 8)),
        *(layer(rng, left, 16, 3, 16, 16) for left in (0, 1)),
        layer(rng, 0, 16, 5, 16, 16),
        *(column(rng, *shape) for shape in ((5, 5, 0), (8, 8, 0), (30, 3, 1))),
        *(dense(rng, 1, depth, filters) for depth in (1, 5, 16, 64) for filters in (1, 4, 16)),
        *(wide.conv(rng, (5, 6, 8), filters, (1, 1), Window()) for filters in (1, 4, 7)),
        *(wide.conv(rng, (5, 6, depth), 8, (3, 3), PAD) for depth in (2, 8)),
        wide.conv(rng, (1, 1, 4), 5, (1, 1), Window()),
        *(wide.dense(rng, 1, depth, filters) for depth in (2, 9, 64) for filters in (1, 16)),
    ]


@pytest.mark.parametrize("core", CORES)
def test_no_layer_is_slower_than_in_portable_c(core: str) -> None:
    """Counted on the core; a tenth more, or a call, is what an estimate may be wrong by."""
    kernels = kernels_for(load_core(core))
    graph = merged(layers())
    chosen, portable = (check(graph, k, core, "gcc", count=1).layers for k in (kernels, PORTABLE))
    for node, mine, plain in zip(nodes_of(graph), chosen, portable, strict=True):
        assert mine.instructions is not None
        assert plain.instructions is not None
        assert mine.instructions <= 1.1 * plain.instructions + 60, (node, kernels.find(node))
        about = portable_instructions(node, kernels.isa)
        assert about is not None
        if plain.instructions > LARGE:
            assert about == pytest.approx(plain.instructions, 0.25), node


@pytest.mark.parametrize("core", CORES)
def test_filters_left_to_portable_c_cost_what_the_core_says(core: str) -> None:
    """Beside them kernels count their own loops."""
    kernels = replace(kernels_for(load_core(core)), weighs=False)
    rng = np.random.default_rng(2)
    shapes = ((16, 1, 32, 1), (8, 3, 4, 1), (8, 3, 16, 1), (8, 5, 8, 1), (16, 3, 16, 16))
    plain = [layer(rng, 0, *shape) for shape in shapes]
    rules = Rounding.EVEN, Rounding.DOUBLE
    graph = merged([with_zero_point(rng, g, rule) for rule in rules for g in plain])
    run = check(graph, kernels, core, "gcc", count=1)
    for node, mine in zip(nodes_of(graph), run.layers, strict=True):
        variant = kernels.find(node)
        assert isinstance(variant, Variant)
        assert mine.instructions is not None
        cost = variant.cost(node)
        assert cost.fallback > 0
        left = mine.instructions - (cost.total - cost.fallback)
        assert cost.fallback == pytest.approx(left, 0.25), (node, variant.name)


@pytest.mark.parametrize("core", CORES)
def test_layers_stay_in_portable_c_with_half_of_their_filters(core: str) -> None:
    """Unless floats of the core scale them all."""
    has_floats = core in ("cortex-m4", "cortex-m55")
    kernels = kernels_for(load_core(core))
    rng = np.random.default_rng(1)
    one, half = (layer(rng, left, 16, 1, 32).nodes[0] for left in (1, 8))
    assert isinstance(kernels.find(one), Variant)
    assert isinstance(kernels.find(half), Variant) == has_floats
    assert ("dearer than portable C" in kernels.refusal(half)) != has_floats


def nodes_of(graph: Graph) -> list[Node]:
    return [n for n in graph.nodes if n.op.name != "Reshape"]
