"""The emitted files of one tiny model, kept in tests/golden to be read and compared.

After a wanted change: ``pytest tests/codegen/test_golden.py --update-golden``, then read the diff.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest

from codegen.c.choice import PORTABLE
from codegen.c.emit import Source, emit
from edgekit import __version__
from edgekit.artefact import Artefact, manifest_to_json
from edgekit.ir import DType, Graph, Quant, TensorType
from edgekit.ir.ops import QConv2D, QDense, Reshape, Rounding, Window
from edgekit.pipeline.vectors import make_vectors
from edgekit.schedule import plan
from quantize.requantize import make_requant


def tiny() -> Artefact:
    """A padded convolution, a reshape, a dense layer."""

    def int8(*shape: int, layout: str = "", scale: float = 0.05) -> TensorType:
        return TensorType(shape, DType.INT8, layout, Quant.per_tensor(scale, -3))

    graph = Graph("tiny")
    x = graph.add_input("image", int8(1, 3, 3, 1, layout="NHWC"))
    kernel = graph.constant(np.arange(-9, 9, dtype=np.int8).reshape(2, 3, 3, 1), "kernel")
    bias = graph.constant(np.array([100, -50], np.int32), "bias")
    spec = make_requant([0.01, 0.02], Rounding.DOUBLE, -5, low=-5)
    op = QConv2D(spec, -3, Window(padding=(1, 1, 1, 1)))
    hidden = graph.add_node(op, [x, kernel, bias], int8(1, 3, 3, 2, layout="NHWC"), name="conv")
    flat = graph.add_node(Reshape((1, 18)), [hidden.output], int8(1, 18)).output
    weights = graph.constant(np.arange(-18, 18, dtype=np.int8).reshape(2, 18), "weights")
    offset = graph.constant(np.array([7, 9], np.int32), "offset")
    spec = make_requant([0.003], Rounding.HIGH, 4, bounds=[2**20])
    scores = graph.add_node(QDense(spec, -5), [flat, weights, offset], int8(1, 2), name="scores")
    graph.outputs = [scores.output]
    graph.bind_ports(["scores"])
    program = plan(graph, PORTABLE.scratch_bytes)
    source = Source("tiny.onnx", "0" * 64)
    return emit(program, "tiny", "cortex-m4", source, make_vectors(graph, 1))


@pytest.mark.parametrize(
    "path", ["tiny.c", "tiny.h", "tiny_weights.h", "README.md", "CMakeLists.txt", "manifest.json"]
)
def test_emitted_file(path: str, golden: Callable[[str, str], None]) -> None:
    artefact = tiny()
    files = {**artefact.files, "manifest.json": manifest_to_json(artefact.manifest)}
    stem = path if path.startswith("tiny") else f"tiny_{path}"
    golden(f"{stem}.txt", files[path].replace(f"edgekit {__version__}", "edgekit VERSION"))
