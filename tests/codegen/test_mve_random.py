"""Random layers with every rounding rule on Armv8.1-M: vectors where a form is proven, portable C
for other filters, the reference's outputs always."""

from __future__ import annotations

import numpy as np
import pytest

from codegen.c.choice import KernelSet
from codegen.c.step import Variant
from edgekit.ir import Graph
from edgekit.ir.ops import Rounding, Window
from tests.codegen import graphs
from tests.codegen.graphs import RULES
from tests.codegen.on_core import check, chosen, merged
from tests.codegen.test_integer_kernels import convolutions

CORE = "cortex-m55"


def extremes() -> list[Graph]:
    """Layers with huge biases, dead channels, scales at both ends, any clamp (see `graphs`)."""
    rng = np.random.default_rng(9)
    found = []
    for rule in RULES:
        found += [graphs.conv(rng, (5, 6), 16, 12, (3, 3), Window(), 1, rule) for _ in range(3)]
        found += [graphs.conv(rng, (5, 6), 16, 16, (3, 3), Window(), 16, rule) for _ in range(3)]
        found += [graphs.dense(rng, 1, 40, 20, rule) for _ in range(3)]
    return found


@pytest.mark.parametrize("core", ["host", CORE])
def test_every_rule(core: str) -> None:
    graph, kernels = merged(extremes()), KernelSet("mve")
    assert set(chosen(graph, kernels)) == {"rows", "planes", "lanes"}
    emitters = [(kernels.emitter(n), n) for n in graph.nodes if n.op.name != "Reshape"]
    left = [e.cost(n).fallback > 0 for e, n in emitters if isinstance(e, Variant)]
    assert 0.1 < np.mean(left) < 0.5, "some layers leave filters to portable C"
    check(graph, kernels, core)


@pytest.mark.parametrize("core", ["host", CORE])
def test_small_convolutions(core: str) -> None:
    check(merged(convolutions(90)), KernelSet("mve"), core)


def test_some_filters_with_scales_on_either_side_of_one_half_are_left_to_portable_code() -> None:
    """TFLite's rule rounds once on one side and twice on the other."""
    rng = np.random.default_rng(10)
    graph = graphs.conv(rng, (4, 4), 16, 64, (1, 1), Window(), 1, Rounding.DOUBLE)
    variant = KernelSet("mve").emitter(graph.nodes[-1])
    assert isinstance(variant, Variant)
    assert 0 < variant.cost(graph.nodes[-1]).fallback < variant.instructions(graph.nodes[-1])
    check(merged([graph]), KernelSet("mve"), CORE)
