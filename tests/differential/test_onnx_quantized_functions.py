"""Sums, products, functions, means and joints between quantizations, in both forms of
onnxruntime.quantization, against ONNX Runtime."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pytest
from numpy.typing import NDArray

from edgekit import api
from edgekit.ir.serialize import load_graph
from tests.onnx_models import noise, onnx_model, run_onnxruntime, save

BODY = """
c = Conv<pads=[1,1,1,1]>(x, w, b)
s = Sigmoid(c)
m = Mul(c, s)
p = AveragePool<kernel_shape=[3,3], strides=[2,2], pads=[1,1,1,1]>(m)
q = MaxPool<kernel_shape=[3,3], strides=[2,2], pads=[1,1,1,1]>(c)
j = Concat<axis=1>(p, q)
l = LeakyRelu<alpha=0.1>(j)
a = Add(l, j)
g = GlobalAveragePool(a)
f = Flatten(g)
y = Gemm<transB=1>(f, v, u)
"""


class Reader:
    """Calibration samples as onnxruntime.quantization reads them."""

    def __init__(self, samples: NDArray[np.float32]) -> None:
        self._samples: Iterator[NDArray[np.float32]] = iter(samples)

    def get_next(self) -> dict[str, Any] | None:
        """One sample, None at the end."""
        sample = next(self._samples, None)
        return None if sample is None else {"x": sample[None]}


def model(folder: Path) -> Path:
    weights = {"w": noise(4, 3, 3, 3), "b": noise(4), "v": noise(5, 8, seed=2), "u": noise(5)}
    return save(onnx_model(BODY, "float[1,3,9,9] x", "float[1,5] y", 13, **weights), folder)


def per_sample(path: Path, x: NDArray[np.float32]) -> NDArray[np.float32]:
    rows = [next(iter(run_onnxruntime(path, {"x": row[None]}).values())) for row in x]
    return np.concatenate(rows)


@pytest.mark.parametrize("form", ["QDQ", "QOperator"])
@pytest.mark.parametrize(
    ("activations", "weights"), [("QInt8", "QInt8"), ("QUInt8", "QInt8"), ("QUInt8", "QUInt8")]
)
def test_functions(form: str, activations: str, weights: str, tmp_path: Path) -> None:
    from onnxruntime.quantization import QuantFormat, QuantType, quantize_static

    path = tmp_path / "q.onnx"
    x = noise(160, 3, 9, 9, seed=1)
    # Weights of 7 bits: kernels for x86 without VNNI saturate sums of two products otherwise.
    quantize_static(
        model(tmp_path), path, Reader(x[:60]), quant_format=QuantFormat[form],
        activation_type=QuantType[activations], weight_type=QuantType[weights],
        per_channel=weights == "QInt8", reduce_range=True,
    )  # fmt: skip
    deployment = api.convert(path, tmp_path / "out", api.ConvertOptions("host"))
    graph = load_graph(tmp_path / "out" / "edgekit")
    assert all(v.type.dtype.is_integer for n in graph.nodes for v in n.outputs)
    (found,) = deployment.run({"x": x[60:]}, on="host").values()
    quant = graph.outputs[0].type.quant
    assert quant is not None
    steps = np.abs(found - per_sample(path, x[60:])) / quant.scale[0]
    assert steps.max() < (0.01 if form == "QOperator" else 1.01)


def test_weights_alone_quantized(tmp_path: Path) -> None:
    """A layer that stays in float32 reads real weights."""
    weights = np.random.default_rng(1).integers(-127, 128, (4, 3, 3, 3)).astype(np.int8)
    scales = np.array([0.01, 0.02, 0.03, 0.04], np.float32)
    body = "d = DequantizeLinear<axis=0>(w, s) y = Conv(x, d)"
    path = save(
        onnx_model(body, "float[1,3,9,9] x", "float[1,4,7,7] y", 13, w=weights, s=scales), tmp_path
    )
    options = api.ConvertOptions("host", precision="float32")
    deployment = api.convert(path, tmp_path / "out", options)
    x = noise(5, 3, 9, 9)
    (found,) = deployment.run({"x": x}, on="host").values()
    np.testing.assert_allclose(found, per_sample(path, x), rtol=1e-4, atol=1e-4)


@pytest.mark.parametrize("kind", ["int4", "uint4"])
@pytest.mark.parametrize("block", [0, 4])
def test_weights_of_four_bits(kind: str, block: int, tmp_path: Path) -> None:
    rng = np.random.default_rng(2)
    low = -8 if kind == "int4" else 0
    dtype = onnx.helper.tensor_dtype_to_np_dtype(getattr(onnx.TensorProto, kind.upper()))
    weights = rng.integers(low, low + 16, (8, 5)).astype(dtype)
    shape = (8 // block, 5) if block else (5,)
    constants = {
        "w": weights, "z": rng.integers(low, low + 16, shape).astype(dtype),
        "s": rng.uniform(0.01, 0.1, shape).astype(np.float32),
    }  # fmt: skip
    axis = "axis=0" if block else "axis=1"
    body = f"d = DequantizeLinear<{axis}, block_size={block}>(w, s, z) y = MatMul(x, d)"
    path = save(onnx_model(body, "float[3,8] x", "float[3,5] y", 21, **constants), tmp_path)
    options = api.ConvertOptions("host", precision="float32")
    deployment = api.convert(path, tmp_path / "out", options)
    x = noise(3, 8)
    (found,) = deployment.run({"x": x}, on="host").values()
    (wanted,) = run_onnxruntime(path, {"x": x}).values()
    np.testing.assert_allclose(found, wanted, rtol=1e-4, atol=1e-5)
