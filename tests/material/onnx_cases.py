"""Cases of ONNX files: outputs stored beside the file, else ONNX Runtime with optimisation off."""

from __future__ import annotations

import math
import tempfile
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from tests.material.cases import Array, Case, NoOracle, random_samples

SAMPLES = 3
LARGE = 1_000_000
"""Elements of an input from which on one row of the batch that the file fixes is enough."""
OLDEST = 7
"""The first operator set of ONNX Runtime."""
NOT_STANDARD = ("FP32_Softmax_CrossEntropy",)
"""Folders whose stored outputs are not those that ONNX defines: this one holds the operator's
second output where the model names the first."""


def onnx_case(path: Path) -> Case:
    """The case of one file.

    Raises:
        NoOracle: neither stored outputs nor ONNX Runtime.
    """
    stored = path.parent / "test_data_set_0"
    if (stored / "output_0.pb").is_file():
        return _case(path, _read_tensors(stored, "input"), _read_tensors(stored, "output"))
    if path.parent.name in NOT_STANDARD:
        return _runtime_case(path, _named(path, _read_arrays(path, "inputs")))
    if (path.parent / "outputs.npz").is_file():
        return _case(path, _read_arrays(path, "inputs"), _read_arrays(path, "outputs"))
    return _runtime_case(path)


def graph_inputs(path: Path) -> list[Any]:
    """The model's inputs without its initializers."""
    import onnx

    graph = onnx.load(path).graph
    constants = {t.name for t in graph.initializer}
    return [i for i in graph.input if i.name not in constants]


def _case(path: Path, inputs: list[Array], outputs: list[Array]) -> Case:
    """Stored arrays, with the element types that the model declares."""
    import onnx

    results = onnx.load(path).graph.output
    named = _named(path, inputs)
    typed = [a.astype(_dtype(r)) for r, a in zip(results, outputs, strict=True)]
    return Case(path, named, typed, "stored outputs")


def _named(path: Path, inputs: list[Array]) -> dict[str, Array]:
    return {
        port.name: np.atleast_1d(array.astype(_dtype(port)))
        for port, array in zip(graph_inputs(path), inputs, strict=False)
    }


def _dtype(port: Any) -> np.dtype[Any]:
    import onnx

    found: np.dtype[Any] = onnx.helper.tensor_dtype_to_np_dtype(port.type.tensor_type.elem_type)
    return found


def _read_tensors(folder: Path, kind: str) -> list[Array]:
    import onnx

    arrays = []
    for index in range(len(list(folder.glob(f"{kind}_*.pb")))):
        tensor = onnx.TensorProto()
        tensor.ParseFromString((folder / f"{kind}_{index}.pb").read_bytes())
        arrays.append(np.asarray(onnx.numpy_helper.to_array(tensor)))
    return arrays


def _read_arrays(path: Path, kind: str) -> list[Array]:
    with np.load(path.parent / f"{kind}.npz") as data:
        return [data[name] for name in data.files]


def _runtime_case(path: Path, inputs: dict[str, Array] | None = None) -> Case:
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.graph_optimization_level = onnxruntime.GraphOptimizationLevel.ORT_DISABLE_ALL
    options.intra_op_num_threads = 1
    options.log_severity_level = 4
    try:
        session = onnxruntime.InferenceSession(_readable(path), options)
    except Exception as error:  # the runtime's own exceptions share no public base class
        raise NoOracle(f"ONNX Runtime rejects the file: {error}") from error
    shapes = {}
    for port in session.get_inputs():
        shapes[port.name] = tuple(n if isinstance(n, int) else 1 for n in port.shape)
    if any(math.prod(shape) >= LARGE for shape in shapes.values()):
        holder = tempfile.TemporaryDirectory(prefix="edgekit-material-")
        copy = _with_batch_1(path, Path(holder.name))
        return replace(_runtime_case(copy), holder=holder)
    count = SAMPLES if shapes and inputs is None else 1
    if inputs is None:
        inputs = {
            name: random_samples(shape, np.dtype(np.float32), count, seed)
            for seed, (name, shape) in enumerate(shapes.items())
        }
    rows: list[list[Array]] = []
    try:
        for index in range(count):
            one = {n: _sample(a, shapes[n], index) for n, a in inputs.items()}
            rows.append(session.run(None, one))
    except Exception as error:  # as above
        raise NoOracle(f"ONNX Runtime cannot run the file: {error}") from error
    columns = zip(*rows, strict=True)
    outputs = [np.concatenate([np.atleast_1d(a) for a in column]) for column in columns]
    return Case(path, inputs, outputs, f"ONNX Runtime {onnxruntime.__version__}")


def _readable(path: Path) -> bytes:
    """The file's content, of an operator set that ONNX Runtime still knows."""
    import onnx

    model = onnx.load(path)
    old = any(entry.domain == "" and entry.version < OLDEST for entry in model.opset_import)
    if old:
        model = onnx.version_converter.convert_version(model, OLDEST)
    return bytes(model.SerializeToString())


def _with_batch_1(path: Path, folder: Path) -> Path:
    """A copy of the file whose inputs and outputs have one row."""
    import onnx

    model = onnx.load(path)
    ports = {port.name for port in (*graph_inputs(path), *model.graph.output)}
    for port in (*model.graph.input, *model.graph.output):
        if port.name in ports:
            port.type.tensor_type.shape.dim[0].dim_value = 1
    del model.graph.value_info[:]
    copy = folder / path.name
    copy.write_bytes(model.SerializeToString())
    return copy


def _sample(array: Array, shape: tuple[int, ...], index: int) -> Array:
    lead = shape[0] if shape else 1
    return array[index * lead : (index + 1) * lead].reshape(shape)
