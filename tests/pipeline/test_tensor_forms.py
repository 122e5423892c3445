"""Tensors of every form through the whole conversion: scalars, several samples a call, integers,
truth values, constant outputs, weights computed at run time. The oracle is ONNX Runtime."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from edgekit import api
from tests.onnx_models import noise, onnx_model, save

CASES = [
    ("y = Conv<pads=[1,1,1,1]>(x, w)", "float[3,2,6,6] x", "float[3,4,6,6] y"),
    ("y = MaxPool<kernel_shape=[2,2]>(x)", "float[3,2,6,6] x", "float[3,2,5,5] y"),
    ("y = Conv(x, k)", "float[1,2,6,6] x, float[4,2,3,3] k", "float[1,4,4,4] y"),
    ("y = Gemm(x, k)", "float[2,5] x, float[5,3] k", "float[2,3] y"),
    ("y = Neg(x)", "float x", "float y"),
    ("y = Add(x, x)", "int64[2,3] x", "int64[2,3] y"),
    ("y = Less(x, z)", "int32[2,1,3] x, int32[4,1] z", "bool[2,4,3] y"),
    ("c = Less(x, z) y = Where(c, x, z)", "float[2,3] x, float[3] z", "float[2,3] y"),
    ("y = Cast<to=6>(x)", "float[2,3] x", "int32[2,3] y"),
    ("y = Div(x, z)", "int32[4] x, int32[4] z", "int32[4] y"),
    ("y = Identity(x)", "float[2,3] x", "float[2,3] y"),
    ("u = Relu(x) y = Shape(u)", "float[2,3] x", "int64[2] y"),
]


@pytest.mark.parametrize(("body", "inputs", "output"), CASES)
def test_forms(body: str, inputs: str, output: str, tmp_path: Path) -> None:
    model = onnx_model(body, inputs, output, w=noise(4, 2, 3, 3))
    path = save(model, tmp_path)
    options = api.ConvertOptions("host", precision="float32")
    deployment = api.convert(path, tmp_path / "out", options)
    arrays = feeds(path)
    found = deployment.run({n: np.atleast_1d(a) for n, a in arrays.items()}, on="host")["y"]
    want = runtime(path, arrays)
    assert found.dtype == want.dtype
    np.testing.assert_allclose(found.reshape(want.shape), want, rtol=1e-5, atol=1e-6)


def session(path: Path) -> Any:
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.graph_optimization_level = onnxruntime.GraphOptimizationLevel.ORT_DISABLE_ALL
    return onnxruntime.InferenceSession(str(path), options)


def feeds(path: Path) -> dict[str, Any]:
    """Random arrays for every input; integers without 0, so that they divide."""
    rng = np.random.default_rng(5)
    arrays = {}
    for port in session(path).get_inputs():
        if port.type == "tensor(float)":
            arrays[port.name] = np.asarray(rng.normal(size=port.shape) * 3, np.float32)
        else:
            kind = np.int64 if port.type == "tensor(int64)" else np.int32
            sign = rng.choice([-1, 1], size=port.shape)
            arrays[port.name] = np.asarray(rng.integers(1, 9, size=port.shape) * sign, kind)
    return arrays


def runtime(path: Path, arrays: dict[str, Any]) -> Any:
    return session(path).run(None, arrays)[0]
