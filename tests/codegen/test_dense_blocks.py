"""Dense layers by blocks of filters: sizes, rows, rounding, overlaps."""

from __future__ import annotations

import numpy as np
import pytest

from codegen.assembly.dense import pack, starts_of
from edgekit.ir import Graph
from edgekit.ir.ops import QDense, Reshape, Rounding
from quantize.requantize import make_requant
from tests.codegen import graphs
from tests.codegen.batch import BOTH
from tests.codegen.cores import check_limits, check_on
from tests.codegen.graphs import int8

CORES = ("cortex-m0plus", "cortex-m3")
RULES = (Rounding.DOUBLE, Rounding.SINGLE, Rounding.HIGH, Rounding.FLOAT)
SHAPES = [(1, 1, 1), (1, 9, 3), (1, 64, 10), (1, 3, 8), (1, 130, 17), (3, 6, 9), (2, 16, 16)]
"""Rows, depth, filters."""


def dense(rng: np.random.Generator, index: int, rule: Rounding) -> Graph:
    """A dense layer with scales from 2**-14 to a quarter."""
    rows, depth, outputs = SHAPES[index]
    x_zero = int(rng.choice([-128, 127, int(rng.integers(-128, 128))]))
    weights, bias, _ = graphs.weights_and_bias(rng, (outputs, depth), x_zero)
    scales = [float(s) for s in 2 ** rng.uniform(-14, -2.1, outputs)]
    zero = int(rng.integers(-128, 128))
    low, high = [(-128, 127), (zero, 127), (max(zero - 50, -128), min(zero + 9, 127))][index % 3]
    graph = Graph("dense")
    x = graph.add_input("x", int8(1, rows * depth))
    flat = graph.add_node(Reshape((rows, depth)), [x], int8(rows, depth)).output
    op = QDense(make_requant(scales, rule, zero, low, high), x_zero)
    constants = [graph.constant(weights), graph.constant(bias)]
    node = graph.add_node(op, [flat, *constants], int8(rows, outputs))
    graph.outputs = [node.output]
    return graph


@pytest.mark.parametrize("toolchain", BOTH)
@pytest.mark.parametrize("core", CORES)
def test_sizes(core: str, toolchain: str) -> None:
    rng = np.random.default_rng(3)
    found = [dense(rng, i, rule) for rule in RULES for i in range(len(SHAPES))]
    check_on(core, found, "blocks", toolchain)


@pytest.mark.parametrize("core", CORES)
def test_outputs_lie_over_inputs_as_far_as_declared(core: str) -> None:
    rng = np.random.default_rng(4)
    check_limits(core, [dense(rng, i, RULES[i % 4]) for i in (5, 6)])


def test_the_last_block_ends_with_the_layer() -> None:
    assert starts_of(17) == [0, 8, 9]
    assert starts_of(3) == [0]
    packed = pack(np.arange(20, dtype=np.int8).reshape(10, 2), 0)
    assert packed.tolist() == [
        *range(0, 16, 2),
        *range(1, 17, 2),
        *range(4, 20, 2),
        *range(5, 21, 2),
    ]
