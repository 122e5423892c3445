"""Dense layers of Armv8.1-M: assembly on the emulated core, its equal on the host."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import pytest

from codegen.c.choice import KernelSet
from edgekit.ir import Graph
from edgekit.ir.ops import QDense, Reshape, Rounding
from quantize.requantize import make_requant
from tests.codegen.batch import BOTH
from tests.codegen.graphs import int8, weights_and_bias
from tests.codegen.on_core import at_limit, check, chosen, compare_counts, merged

CORE = "cortex-m55"
RULES = (Rounding.FLOAT, Rounding.DOUBLE, Rounding.SINGLE, Rounding.HIGH)


def dense(rng: np.random.Generator, rows: int, depth: int, outputs: int, rule: Rounding) -> Graph:
    """A dense layer whose scales have a vector form: below one half."""
    x_zero = int(rng.choice([-128, 127, 9]))
    weights, bias, bounds = weights_and_bias(rng, (outputs, depth), x_zero)
    scales = np.minimum(2 ** rng.uniform(-13, -1.01, outputs), 2**28 / np.maximum(bounds, 1))
    zero = int(rng.integers(-128, 128))
    low, high = [(-128, 127), (zero, 127), (-90, 90)][int(rng.integers(3))]
    spec = make_requant(scales.tolist(), rule, zero, low, high, bounds)
    graph = Graph("dense")
    x = graph.add_input("x", int8(1, rows * depth))
    flat = graph.add_node(Reshape((rows, depth)), [x], int8(rows, depth)).output
    constants = [graph.constant(weights), graph.constant(bias)]
    made = graph.add_node(QDense(spec, x_zero), [flat, *constants], int8(rows, outputs))
    graph.outputs = [made.output]
    return graph


def layers() -> Iterator[Graph]:
    rng = np.random.default_rng(7)
    for index, depth in enumerate((1, 7, 8, 15, 16, 24, 33, 64, 128, 200, 216, 640)):
        for outputs in (1, 3, 8, 10, 16, 23):
            rule = RULES[(index + outputs) % len(RULES)]
            yield dense(rng, 3 if outputs in (3, 16) else 1, depth, outputs, rule)
    for rows, depth, outputs in ((4, 16, 3), (9, 32, 8), (7, 400, 5), (13, 64, 20)):
        yield dense(rng, rows, depth, outputs, Rounding.DOUBLE)


@pytest.mark.parametrize("core", ["host", CORE])
@pytest.mark.parametrize("toolchain", BOTH)
def test_dense_layers(core: str, toolchain: str) -> None:
    graph, kernels = merged(list(layers())), KernelSet("mve")
    names = chosen(graph, kernels)
    assert names.count("lanes") + names.count("pointwise") >= 0.9 * len(names)
    assert "pointwise" in names
    run = check(graph, kernels, core, toolchain)
    if core == CORE:
        compare_counts(graph, kernels, run)


@pytest.mark.parametrize("core", ["host", CORE])
def test_rows_over_their_input(core: str) -> None:
    check(merged(list(layers())), KernelSet("mve"), core, planner=at_limit(False))
