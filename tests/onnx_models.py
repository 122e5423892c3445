"""Small ONNX models from text, and ONNX Runtime without optimisations as their oracle."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import onnx
from numpy.typing import NDArray

from edgekit.importers.onnx import load_onnx
from edgekit.ir import Graph
from edgekit.passes import CANONICAL, TO_NHWC, run_passes
from quantize.ports import feeds, results
from quantize.reference import evaluate

Arrays = dict[str, NDArray[Any]]

IMAGE = "float[n,2,6,6] x"
VECTOR = "float[n,5] x"


def onnx_model(
    body: str, inputs: Any = IMAGE, outputs: Any = "float[] y", opset: Any = 13, **constants: Any
) -> Any:
    """A model from onnx's text form; the name ``_`` stands for an absent input."""
    head = f'<ir_version: 8, opset_import: ["" : {opset}]>'
    model = onnx.parser.parse_model(f"{head} g ({inputs}) => ({outputs}) {{ {body} }}")
    for node in model.graph.node:
        for i, name in enumerate(node.input):
            if name == "_":
                node.input[i] = ""
    for name, data in constants.items():
        array = np.asarray(data, np.float32) if isinstance(data, float) else np.asarray(data)
        model.graph.initializer.append(onnx.numpy_helper.from_array(array, name))
    return model


def save(model: Any, folder: Path, name: str = "model.onnx") -> Path:
    """Write a model."""
    path = folder / name
    path.write_bytes(model.SerializeToString())
    return path


def load(folder: Path, body: str, *args: Any, **constants: Any) -> Graph:
    """The imported graph of a text model."""
    return load_onnx(save(onnx_model(body, *args, **constants), folder))


def run_onnxruntime(path: Path, arrays: Arrays) -> Arrays:
    """Outputs by name, with every graph optimisation off."""
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.graph_optimization_level = onnxruntime.GraphOptimizationLevel.ORT_DISABLE_ALL
    options.intra_op_num_threads = 1
    session = onnxruntime.InferenceSession(path, options, providers=["CPUExecutionProvider"])
    names = [o.name for o in session.get_outputs()]
    return dict(zip(names, session.run(names, arrays), strict=True))


def run_graph(graph: Graph, arrays: Arrays) -> Arrays:
    """Outputs by the source model's names, in its layout."""
    return results(graph, evaluate(graph, feeds(graph, arrays)))


def operators(graph: Graph) -> list[str]:
    """Names of the operators in order of execution."""
    return [node.op.name for node in graph.nodes]


def noise(*shape: int, seed: int = 0, scale: float = 1.0) -> NDArray[np.float32]:
    """Normally distributed float32 numbers."""
    data = np.random.default_rng(seed).normal(0.0, scale, shape)
    return data.astype(np.float32)


def ints(numbers: Sequence[int]) -> NDArray[np.int64]:
    """An int64 constant: shapes, axes, pads."""
    return np.asarray(numbers, np.int64)


def stages(path: Path) -> dict[str, Graph]:
    """The graph as imported, canonical, and canonical in NHWC."""
    imported = load_onnx(path)
    canonical = run_passes(imported, CANONICAL)
    return {
        "imported": imported,
        "canonical": canonical,
        "nhwc": run_passes(canonical, TO_NHWC),
    }


def assert_all_stages(path: Path, arrays: Arrays, tolerance: float = 1e-5) -> dict[str, Graph]:
    """Import, canonical passes and layout passes keep what ONNX Runtime computes."""
    expected = run_onnxruntime(path, arrays)
    found = stages(path)
    for stage, graph in found.items():
        given = {name: np.atleast_1d(array) for name, array in arrays.items()}
        for name, array in run_graph(graph, given).items():
            scale = max(1.0, float(np.abs(expected[name]).max()))
            np.testing.assert_allclose(
                array.reshape(expected[name].shape),
                expected[name],
                rtol=0,
                atol=tolerance * scale,
                err_msg=f"{stage}: {name}",
            )
    return found
