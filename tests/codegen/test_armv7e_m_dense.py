"""Dense layers of Armv7E-M: assembly on the emulated core, its equals on the host."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import pytest

from codegen.assembly.armv7e_m.dense import DENSE, TILE_INPUTS, prepare
from codegen.assembly.armv7e_m.scaling import CLAMP, SCALE, SHIFT, TWICE
from codegen.assembly.armv7e_m.sparse_dense import DENSE_SPARSE
from codegen.c.choice import KernelSet
from edgekit.ir import Graph
from edgekit.ir.ops import QDense, Reshape, Rounding
from quantize.requantize import make_requant
from tests.codegen.batch import BOTH
from tests.codegen.graphs import int8, weights_and_bias
from tests.codegen.on_core import assert_counted, check, chosen, merged

CORE = "cortex-m4"
KERNELS = KernelSet("armv7e_m", frozenset({DENSE_SPARSE.name}))
RULES = (Rounding.FLOAT, Rounding.DOUBLE, Rounding.HIGH, Rounding.SINGLE)


def dense(
    rng: np.random.Generator,
    rows: int,
    depth: int,
    outputs: int,
    rule: Rounding,
    clamp: tuple[int, int] = (-128, 127),
    spread: float = 1,
) -> Graph:
    """A dense layer with symmetric weights; ``spread``: how far its scales are apart, as bits."""
    x_zero = int(rng.choice([-128, 127, 3]))
    weights, bias, bounds = weights_and_bias(rng, (outputs, depth), x_zero)
    weights = np.maximum(weights, -127)
    usual = 200 / np.maximum(np.abs(weights.astype(int)).sum(1) * 128.0, 1)
    scales = np.minimum(usual * 2 ** rng.uniform(-spread, spread, outputs), 0.49)
    scales = np.minimum(scales, 2**29 / np.maximum(bounds, 1))
    spec = make_requant(scales.tolist(), rule, int(rng.integers(-128, 128)), *clamp, bounds)
    graph = Graph("dense")
    x = graph.add_input("x", int8(1, rows * depth))
    flat = graph.add_node(Reshape((rows, depth)), [x], int8(rows, depth)).output
    constants = [graph.constant(weights), graph.constant(bias)]
    node = graph.add_node(QDense(spec, x_zero), [flat, *constants], int8(rows, outputs))
    graph.outputs = [node.output]
    return graph


def layers() -> Iterator[Graph]:
    """Every number of outputs in a last block, of inputs in a last group, each way to scale."""
    rng = np.random.default_rng(3)
    for index, depth in enumerate((1, 2, 7, 8, 9, 12, 16, 31, 33, 64, 130, 640, 904)):
        for outputs in (1, 2, 3, 4, 5, 10):
            rule = RULES[(index + outputs) % len(RULES)]
            yield dense(rng, 1 + (index + outputs) % 2, depth, outputs, rule)
    for clamp in ((-60, 60), (-128, 90), (0, 127)):
        yield dense(rng, 1, 40, 6, Rounding.SINGLE, clamp)
    for clamp in ((-128, 127), (-20, 100)):
        yield dense(rng, 2, 40, 7, Rounding.SINGLE, clamp, spread=8)


@pytest.mark.parametrize("core", ["host", CORE])
@pytest.mark.parametrize("toolchain", BOTH)
def test_every_shape(core: str, toolchain: str) -> None:
    graph = merged(list(layers()))
    names = chosen(graph, KERNELS)
    assert names.count(DENSE.name) >= 0.9 * len(names)
    run = check(graph, KERNELS, core, toolchain)
    if core == CORE:
        nodes = [n for n in graph.nodes if isinstance(n.op, QDense)]
        for node, layer in zip(nodes, run.layers, strict=True):
            if not DENSE.refuse(node):
                assert_counted(DENSE, node, layer.instructions, 0.01, 4)


def test_the_grid_has_every_form() -> None:
    found = [prepare(n) for g in layers() for n in g.nodes if isinstance(n.op, QDense)]
    made = [layer for layer in found if not isinstance(layer, str)]
    assert {layer.scaling.tail for layer in made} == {SCALE, CLAMP, TWICE, SHIFT}
    assert {layer.tiled for layer in made} == {True, False}
    assert {layer.has_pair for layer in made if not layer.tiled} == {True, False}
    assert max(layer.depth for layer in made) > TILE_INPUTS
