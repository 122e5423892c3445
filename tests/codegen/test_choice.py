"""Which layers stay in portable C although a kernel in assembly could compute them."""

from __future__ import annotations

import numpy as np
import pytest

from codegen.c.choice import PORTABLE, kernels_for
from codegen.c.operators.estimates import SLOWER, portable_instructions
from codegen.c.step import Variant
from edgekit.ir import Graph, Node
from edgekit.ir.ops import QConv2D, QDense, Rounding, Window
from quantize.requantize import make_requant
from targets.load import load_core
from tests.codegen.graphs import int8, single
from tests.codegen.on_core import check, merged

CORES = ("cortex-m0plus", "cortex-m3", "cortex-m4", "cortex-m55", "rv32imc")
PAD = Window(padding=(1, 1, 1, 1))
LARGE = 5000
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


def layers() -> list[Graph]:
    rng = np.random.default_rng(1)
    return [
        *(layer(rng, left, 4, 3, 4) for left in (0, 1, 2)),
        *(layer(rng, left, 16, 1, 32) for left in (0, 1, 8)),
        *(layer(rng, left, 16, 3, 16, 16) for left in (0, 1)),
        *(dense(rng, 1, depth, filters) for depth in (1, 5, 16, 64) for filters in (1, 4, 16)),
    ]


@pytest.mark.parametrize("core", CORES)
def test_no_layer_is_slower_than_in_portable_c(core: str) -> None:
    """Counted on the core; a tenth more, or a call, is what an estimate may be wrong by."""
    kernels = kernels_for(load_core(core))
    graph = merged(layers())
    chosen, portable = (check(graph, k, core, "gcc", count=1).layers for k in (kernels, PORTABLE))
    slower = SLOWER.get(kernels.isa, 1.0)
    for node, mine, plain in zip(nodes_of(graph), chosen, portable, strict=True):
        assert mine.instructions is not None
        assert plain.instructions is not None
        assert mine.instructions <= 1.1 * plain.instructions + 60, (node, kernels.find(node))
        about = portable_instructions(node)
        assert about is not None
        if plain.instructions > LARGE:
            assert slower * about == pytest.approx(plain.instructions, 0.3), node


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
