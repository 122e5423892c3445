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


def _graph(operation: type[Add] | type[Sub], quants: tuple[tuple[float, int], ...]) -> Graph:
    graph = Graph("add")
    shape = (1, SIDE * SIDE)
    a, b, y = (TensorType(shape, DType.INT8, quant=Quant.per_tensor(*q)) for q in quants)
    node = graph.add_node(operation(), [graph.add_input("a", a), graph.add_input("b", b)], y)
    graph.outputs = [node.output]
    graph.bind_ports()
    return graph


@pytest.mark.parametrize("rounding", ["litert", "tflm", "fast"])
def test_every_pair(rounding: RoundingName) -> None:
    graphs = [
        run_passes(_graph(op, quants), [LowerInteger(rounding)])
        for quants in SCALES
        for op in (Add, Sub)
    ]
    values = np.arange(-128, 128, dtype=np.int8)
    a, b = (m.reshape(1, -1) for m in np.meshgrid(values, values))
    for compiled in compile_all(graphs):
        compiled.check([a, b])


def test_the_rule_of_the_operands_is_not_that_of_the_sum() -> None:
    graph = run_passes(_graph(Add, SCALES[0]), [LowerInteger("litert")])
    artefact = emit(
        plan(graph, PORTABLE.scratch_bytes), "m", "host", Source("m", "0"), make_vectors(graph, 1)
    )
    assert "ek_add_s8_right" in artefact.files["m.c"]
