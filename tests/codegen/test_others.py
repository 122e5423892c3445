"""Filters that kernels in assembly leave to portable C: every kind of layer, roundings of every
rule, zero points of weights, overlaps."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from codegen.assembly.mve.scaling import scaling_of, without_scaling
from codegen.c.step import Variant
from edgekit.ir import Graph
from edgekit.ir.ops import QConv2D, QDense, Rounding, Window
from quantize.requantize import make_requant
from tests.codegen import graphs
from tests.codegen.cores import able, check_limits, check_on
from tests.codegen.graphs import RULES, int8, single

CORES = ("cortex-m0plus", "cortex-m3", "cortex-m4", "cortex-m55", "rv32imc")
FLOATS = ("cortex-m55",)
FPU = "cortex-m4"
"""Cores with kernels that compute float products as they are."""
PAD = Window(padding=(1, 1, 1, 1))
EMULATORS = {"cortex-m55": "qemu"}


def layers(rng: np.random.Generator, rule: Rounding) -> list[Graph]:
    """1x1, windows, depthwise of both strides, dense; all with a zero point of the weights."""
    made = [
        graphs.conv(rng, (4, 5), 9, 12, (1, 1), Window(), 1, rule),
        graphs.conv(rng, (6, 5), 3, 9, (3, 3), PAD, 1, rule),
        graphs.conv(rng, (5, 6), 16, 16, (3, 3), PAD, 16, rule),
        graphs.conv(rng, (7, 6), 8, 8, (3, 3), Window((2, 2), (1, 1, 1, 1)), 8, rule),
        graphs.dense(rng, 1, 60, 13, rule),
        graphs.dense(rng, 5, 24, 10, rule),
    ]
    return [with_zero_point(rng, graph, rule) for graph in made]


def with_zero_point(rng: np.random.Generator, graph: Graph, rule: Rounding) -> Graph:
    """Weights of which those of filter 2 do not fit into int8 without their zero point."""
    (node,) = (n for n in graph.nodes if n.op.name.startswith("Q"))
    w_zero = int(rng.integers(1, 90))
    weights = rng.integers(w_zero - 128, 128, node.input(1).type.shape).astype(np.int8)
    weights[2].flat[0] = -128
    count, depth = len(weights), weights[0].size
    scales = [float(s) for s in 2 ** rng.uniform(-1, 1, count) / (60 * 74 * np.sqrt(depth))]
    assert isinstance(node.op, QConv2D | QDense)
    spec = make_requant(scales, rule, -7)
    bias = rng.integers(-3000, 3000, count).astype(np.int32)
    for index, value in enumerate((graph.constant(weights), graph.constant(bias)), 1):
        graph.set_input(node, index, value)
    graph.set_op(node, replace(node.op, requant=spec, w_zero=w_zero))
    return graph


def left(core: str, graph: Graph) -> float:
    """Instructions for filters that are left to portable C."""
    found = able(core).emitter(graph.nodes[-1])
    assert isinstance(found, Variant), able(core).refusal(graph.nodes[-1])
    return found.cost(graph.nodes[-1]).fallback


@pytest.mark.parametrize("core", CORES)
def test_weights_with_a_zero_point(core: str) -> None:
    rng = np.random.default_rng(1)
    found = [graph for rule in RULES for graph in layers(rng, rule)]
    kernels = able(core)
    whole = [graph for graph in found if kernels.refusal(graph.nodes[-1])]
    assert len(whole) <= (core == "rv32imc")  # most scales of one layer have no form there
    assert all(left(core, graph) for graph in found if graph not in whole)
    check_on(core, found, None, emulated=EMULATORS.get(core, "unicorn"))


@pytest.mark.parametrize("core", CORES)
def test_outputs_lie_over_inputs_as_far_as_declared(core: str) -> None:
    rng = np.random.default_rng(2)
    check_limits(core, [g for g in layers(rng, Rounding.DOUBLE) if len(g.nodes) == 1])


@pytest.mark.parametrize("core", sorted(set(CORES) - set(FLOATS) - {FPU}))
def test_float_products_whose_ties_have_no_form(core: str) -> None:
    """Ties to even at every output, and in every filter."""
    rng = np.random.default_rng(3)
    weights = rng.integers(-127, 128, (6, 1, 1, 16)).astype(np.int8)
    op = QConv2D(make_requant([2.0**-7] * 6, Rounding.EVEN, 3), 0)
    graph = single(op, [int8(1, 3, 5, 16), weights, np.zeros(6, np.int32)])
    refused = able(core).refusal(graph.nodes[0])
    assert "proven" in refused or "cheap form" in refused


@pytest.mark.parametrize("core", CORES)
def test_a_single_tie_is_left_to_portable_c(core: str) -> None:
    """But where there are vectors of floats."""
    rng = np.random.default_rng(4)
    found = []
    for kernel, groups, filters in (((1, 1), 1, 12), ((3, 3), 1, 8), ((3, 3), 8, 8)):
        weights = rng.integers(-127, 128, (filters, *kernel, 8 // groups)).astype(np.int8)
        scales = [float(s) for s in 2 ** rng.uniform(-9, -8, filters)]
        scales[3] = 2.0**-7
        spec = make_requant(scales, Rounding.EVEN, 3)
        pad = PAD if kernel == (3, 3) else Window()
        op = QConv2D(spec, 5, pad, groups)
        found.append(single(op, [int8(1, 4, 5, 8), weights, np.zeros(filters, np.int32)]))
    settled = {FPU: 2}.get(core, len(found) * (core in FLOATS))  # an FPU scales no depthwise layer
    assert [left(core, graph) > 0 for graph in found] == [i >= settled for i in range(len(found))]
    check_on(core, found, None, emulated=EMULATORS.get(core, "unicorn"))


@pytest.mark.parametrize("core", CORES)
def test_filters_that_give_one_output_are_not_left(core: str) -> None:
    """No weights, or a bias that saturates whatever the weights are."""
    rng = np.random.default_rng(6)
    found = []
    for kernel, groups, filters in (((1, 1), 1, 12), ((3, 3), 1, 8), ((3, 3), 8, 8)):
        weights = rng.integers(-127, 128, (filters, *kernel, 8 // groups)).astype(np.int8)
        bias = rng.integers(-2000, 2000, filters).astype(np.int32)
        weights[[1, 4]] = 0
        bias[[1, 2, 3, 4]] = -(2**30), 2**30, -(2**30), 700
        scales = [float(s) for s in 2 ** rng.uniform(-9, -8, filters)]
        scales[1], scales[3] = 5.3e-9, 2.0**-3  # as trained models have them
        for zero_point in (3, -128):
            spec = make_requant(scales, Rounding.DOUBLE, zero_point)
            op = QConv2D(spec, 5, PAD if kernel == (3, 3) else Window(), groups)
            found.append(single(op, [int8(1, 4, 5, 8), weights, bias]))
    kernels = able(core)
    assert not any(left(core, g) for g in found if not kernels.refusal(g.nodes[0]))
    check_on(core, found, None, emulated=EMULATORS.get(core, "unicorn"))


def test_float_products_whose_biases_have_fractions() -> None:
    """Armv8.1-M: of 8 filters some have no significand that suits whole biases; floats,
    which would do, take a function that not every build has."""
    rng = np.random.default_rng(2)
    weights = rng.integers(-127, 128, (8, 1, 1, 16)).astype(np.int8)
    scales = [float(s) for s in 2 ** rng.uniform(-10, -9, 8)]
    spec = make_requant(scales, Rounding.EVEN, 3)
    bound = 128 * np.abs(weights.astype(np.int64)).sum(axis=(1, 2, 3))
    whole, found = (scaling_of(spec, bound, late) for late in (False, True))
    assert whole is not None
    assert whole.form.floating
    assert found is not None
    assert found.form.late
    assert not without_scaling(spec, bound).any()
    graph = single(QConv2D(spec, 0), [int8(1, 3, 5, 16), weights, np.zeros(8, np.int32)])
    check_on("cortex-m55", [graph], None, emulated="qemu")
