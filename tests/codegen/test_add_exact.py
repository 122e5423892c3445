"""int8 Add and Sub over every pair of operands: operands and sum round each on its own."""

from __future__ import annotations

import numpy as np
import pytest

from codegen.c.choice import PORTABLE
from codegen.c.emit import Source, emit
from edgekit.ir import DType, Graph, Quant, TensorType
from edgekit.ir.ops import Add, Sub
from edgekit.passes import run_passes
from edgekit.pipeline.vectors import make_vectors
from edgekit.schedule import plan
from quantize.lower import LowerInteger
from quantize.lowering.common import RoundingName
from tests.codegen.batch import compile_all

SIDE = 256
# Single rounding of the operands gives other sums for these scales, for four pairs in millions.
SCALES = (
    ((0.012073877293721287, 113), (0.07714906656096081, -57), (0.0059969176959244275, -68)),
    ((0.5, 0), (0.25, 3), (0.75, -4)),
    ((1.0, -128), (1.0, 127), (2.0, 0)),
)


VALUES = np.arange(-128, 128, dtype=np.int8)
PAIRS = tuple(m.reshape(1, -1) for m in np.meshgrid(VALUES, VALUES))
CROSSED = VALUES.reshape(1, SIDE, 1), VALUES.reshape(1, 1, SIDE)


def _graph(
    operation: type[Add] | type[Sub], quants: tuple[tuple[float, int], ...], crossed: bool
) -> Graph:
    """A sum of every pair: of two tensors of one shape, or of a column and a row."""
    graph = Graph("add")
    one, other = CROSSED if crossed else PAIRS
    shapes = (one.shape, other.shape, np.broadcast_shapes(one.shape, other.shape))
    a, b, y = (
        TensorType(shape, DType.INT8, quant=Quant.per_tensor(*quant))
        for shape, quant in zip(shapes, quants, strict=True)
    )
    node = graph.add_node(operation(), [graph.add_input("a", a), graph.add_input("b", b)], y)
    graph.outputs = [node.output]
    graph.bind_ports()
    return graph


@pytest.mark.parametrize("crossed", [True, False], ids=["recipe", "one step"])
@pytest.mark.parametrize("rounding", ["litert", "tflm", "fast"])
def test_every_pair(rounding: RoundingName, crossed: bool) -> None:
    """Operands of one shape are added in one step that is proven, others by the recipe."""
    graphs = [
        run_passes(_graph(op, quants, crossed), [LowerInteger(rounding)])
        for quants in SCALES
        for op in (Add, Sub)
    ]
    for compiled in compile_all(graphs):
        compiled.check(CROSSED if crossed else PAIRS)


@pytest.mark.parametrize(
    ("crossed", "kernel"), [(True, "ek_add_s8_right"), (False, "ek_affine_add_s8")]
)
def test_the_rule_of_the_operands_is_not_that_of_the_sum(crossed: bool, kernel: str) -> None:
    graph = run_passes(_graph(Add, SCALES[0], crossed), [LowerInteger("litert")])
    artefact = emit(
        plan(graph, PORTABLE.scratch_bytes), "m", "host", Source("m", "0"), make_vectors(graph, 1)
    )
    assert kernel in artefact.files["m.c"]
