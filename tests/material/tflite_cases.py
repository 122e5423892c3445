"""Cases of TFLite files: golden files beside the model, else LiteRT's reference kernels."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from edgekit.errors import ModelError
from quantize.oracle import litert_interpreter, oracle_version
from tests.material.cases import Array, Case, NoOracle, random_samples

SAMPLES = 3
STEPS = 50
HYBRID = {"kws_ref_model_float32.tflite": "kws01_A500.npz"}
"""Models with int8 weights and float activations -> labelled samples (of the int8 model)."""
KWS_SCALE, KWS_ZERO = 0.5847029, 83


def tflite_case(path: Path) -> Case:
    """The case of one file.

    Raises:
        NoOracle: LiteRT rejects the file and no golden file lies beside it.
    """
    golden = path.with_name(f"{path.stem}_golden_int16.csv")
    if golden.is_file():
        return _golden_case(path, golden)
    if path.name in HYBRID:
        return _hybrid_case(path)
    interpreter = _interpreter(path)
    stateful = _is_stateful(path)
    count = STEPS if stateful else SAMPLES
    inputs = [
        random_samples(tuple(map(int, d["shape"])), np.dtype(d["dtype"]), count, seed)
        for seed, d in enumerate(interpreter.get_input_details())
    ]
    return _litert_case(path, interpreter, inputs, carry_state=stateful)


def _interpreter(path: Path) -> Any:
    try:
        return litert_interpreter(path)
    except ModelError as error:
        try:
            return litert_interpreter(_with_axis_0(path))
        except ModelError:
            raise NoOracle(str(error)) from error


def _with_axis_0(path: Path) -> bytes:
    """The file with the axis of every bias set to 0: an old converter wrote the weights' axis."""
    import flatbuffers
    from ai_edge_litert import schema_py_generated as schema

    model = schema.ModelT.InitFromObj(schema.Model.GetRootAs(path.read_bytes(), 0))
    for tensor in model.subgraphs[0].tensors:
        if tensor.quantization is not None and len(tensor.shape) == 1:
            tensor.quantization.quantizedDimension = 0
    builder = flatbuffers.Builder(1 << 20)
    builder.Finish(model.Pack(builder), b"TFL3")
    return bytes(builder.Output())


def _litert_case(path: Path, interpreter: Any, inputs: list[Array], carry_state: bool) -> Case:
    details = interpreter.get_input_details()
    rows = []
    leads = [int(d["shape"][0]) if len(d["shape"]) else 1 for d in details]
    for index in range(len(inputs[0]) // leads[0]):
        if not carry_state and index:
            interpreter.reset_all_variables()
        for detail, array, lead in zip(details, inputs, leads, strict=True):
            one = array[index * lead : (index + 1) * lead].reshape(detail["shape"])
            interpreter.set_tensor(detail["index"], one)
        interpreter.invoke()
        outputs = interpreter.get_output_details()
        rows.append([np.atleast_1d(interpreter.get_tensor(d["index"])) for d in outputs])
    names = [d["name"] for d in details]
    outputs = [np.concatenate(column) for column in zip(*rows, strict=True)]
    named = dict(zip(names, inputs, strict=True))
    return Case(path, named, outputs, f"{oracle_version()} BUILTIN_REF", carry_state=carry_state)


def _golden_case(path: Path, golden: Path) -> Case:
    details = litert_interpreter(path).get_input_details()
    inputs = {}
    for index, detail in enumerate(details):
        file = path.with_name(f"{path.stem}_input{index}_int16.csv")
        inputs[detail["name"]] = _read_csv(file).reshape(detail["shape"])
    return Case(path, inputs, [_read_csv(golden)], "golden file")


def _read_csv(path: Path) -> Array:
    text = path.read_text(encoding="utf-8").replace("\n", ",")
    return np.array([int(n) for n in text.split(",") if n.strip()], np.int16)


def _hybrid_case(path: Path) -> Case:
    folder = path.parents[2] / "datasets"
    with np.load(folder / HYBRID[path.name]) as data:
        x = (data["x"].astype(np.float32) - KWS_ZERO) * np.float32(KWS_SCALE)
    interpreter = _interpreter(path)
    shape = interpreter.get_input_details()[0]["shape"]
    case = _litert_case(path, interpreter, [x.reshape(-1, *shape[1:])], carry_state=False)
    return Case(path, case.inputs, case.outputs, case.oracle, top1=True)


def _is_stateful(path: Path) -> bool:
    from ai_edge_litert import schema_py_generated as schema

    graph = schema.Model.GetRootAs(path.read_bytes(), 0).Subgraphs(0)
    tensors = [graph.Tensors(i) for i in range(graph.TensorsLength())]
    return any(t.IsVariable() or t.Type() == schema.TensorType.RESOURCE for t in tensors)
