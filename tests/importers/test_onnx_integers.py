"""Integer operators and ports of ONNX through the whole conversion; the oracle is ONNX Runtime."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pytest
from numpy.typing import NDArray

from edgekit import api
from tests.onnx_models import noise, onnx_model, run_onnxruntime, save

DIGITS = Path(__file__).resolve().parents[2] / "examples" / "digits"
SCALES: dict[str, Any] = {
    "xs": 0.02, "ys": 0.11, "ws": np.array([0.004, 0.01, 0.002, 0.007], np.float32),
    "xz": np.uint8(131), "yz": np.uint8(97), "wz": np.zeros(4, np.int8),
    "one": 0.01, "zero": np.int8(0), "block": noise(6, 2, seed=3) ** 2 + np.float32(0.01),
    "w": np.random.default_rng(4).integers(-60, 60, (4, 2, 3, 3)).astype(np.int8),
    "b": np.random.default_rng(5).integers(-900, 900, 4).astype(np.int32),
}  # fmt: skip


def converted(path: Path, arrays: dict[str, NDArray[Any]], folder: Path) -> list[NDArray[Any]]:
    """Outputs of the C that a conversion makes."""
    quantized = api.inspect(path).precision == "int8"
    options = api.ConvertOptions("host", precision="int8" if quantized else "float32")
    deployment = api.convert(path, folder / "out", options)
    return list(deployment.run(arrays, on="host").values())


def compare(body: str, inputs: str, outputs: str, tmp_path: Path, opset: int = 21) -> None:
    """The same integers as ONNX Runtime, in the same types."""
    path = save(onnx_model(body, inputs, outputs, opset, **SCALES), tmp_path)
    rng = np.random.default_rng(7)
    arrays: dict[str, NDArray[Any]] = {}
    for port in onnx.load(path).graph.input:
        tensor = port.type.tensor_type
        kind = onnx.helper.tensor_dtype_to_np_dtype(tensor.elem_type)
        shape = [d.dim_value for d in tensor.shape.dim]
        if kind == np.float32:
            arrays[port.name] = np.asarray(rng.normal(size=shape) ** 2 + 0.1, kind)
        else:
            # ONNX Runtime's kernels for x86 without VNNI saturate sums of two large products.
            low, high = (-64, 63) if kind == np.int8 else (np.iinfo(kind).min, np.iinfo(kind).max)
            data = rng.integers(low, high, shape, kind, endpoint=True)
            arrays[port.name] = np.asarray(data, kind)
    wanted = list(run_onnxruntime(path, arrays).values())
    arrays = {name: np.atleast_1d(array) for name, array in arrays.items()}
    for found, want in zip(converted(path, arrays, tmp_path), wanted, strict=True):
        assert found.dtype == want.dtype
        np.testing.assert_array_equal(found, want)


@pytest.mark.parametrize(
    ("body", "inputs", "outputs"),
    [
        ("y = MatMulInteger(a, m)", "uint8[3,5] a, int8[5,4] m", "int32[3,4] y"),
        ("y = MatMulInteger(a, w2, za, zb)", "uint8[2,3,5] a, int8[5,4] w2, uint8 za, int8[4] zb",
         "int32[2,3,4] y"),
        ("y = MatMulInteger(a, m)", "int8[2,2,3,5] a, int8[2,1,5,4] m", "int32[2,2,3,4] y"),
        ("y = ConvInteger<pads=[1,0,1,2]>(x, k)", "uint8[2,2,6,5] x, uint8[4,2,3,3] k",
         "int32[2,4,6,5] y"),
        ("y = ConvInteger<strides=[2,2], group=2>(x, k, zx, zk)",
         "uint8[1,4,6,5] x, uint8[6,2,3,2] k, uint8 zx, uint8 zk", "int32[1,6,2,2] y"),
        ("y = ConvInteger<dilations=[2]>(x, k)", "uint8[1,2,9] x, uint8[3,2,3] k",
         "int32[1,3,5] y"),
    ],
)  # fmt: skip
def test_sums_of_products(body: str, inputs: str, outputs: str, tmp_path: Path) -> None:
    compare(body, inputs, outputs, tmp_path)


CONV = "y = QLinearConv<pads=[1,1,1,1]>(x, xs, xz, w, ws, wz, ys, yz, b)"


@pytest.mark.parametrize(
    ("body", "inputs", "outputs"),
    [
        (CONV, "uint8[1,2,6,6] x", "uint8[1,4,6,6] y"),
        (f"x = QuantizeLinear(f, xs, xz) {CONV}", "float[1,2,6,6] f", "uint8[1,4,6,6] y"),
        (f"{CONV} f = DequantizeLinear(y, ys, yz)", "uint8[1,2,6,6] x", "float[1,4,6,6] f"),
        (f"{CONV} z = MaxPool<kernel_shape=[2,2]>(y)", "uint8[1,2,6,6] x",
         "uint8[1,4,5,5] z, uint8[1,4,6,6] y"),
    ],
)  # fmt: skip
def test_uint8_at_the_ports(body: str, inputs: str, outputs: str, tmp_path: Path) -> None:
    compare(body, inputs, outputs, tmp_path)


@pytest.mark.parametrize(
    ("body", "inputs", "outputs"),
    [
        ("y = QuantizeLinear(x, ys, yz)", "float[2,6] x", "uint8[2,6] y"),
        ("y = QuantizeLinear(x, ys)", "float[2,6] x", "uint8[2,6] y"),
        ("y = QuantizeLinear<axis=1>(x, ws, wz)", "float[2,4] x", "int8[2,4] y"),
        ("y = QuantizeLinear<output_dtype=5>(x, xs)", "float[2,6] x", "int16[2,6] y"),
        ("y = QuantizeLinear<axis=1, block_size=3>(x, block)", "float[6,6] x", "uint8[6,6] y"),
        ("y = QuantizeLinear(x, s)", "float[2,6] x, float s", "uint8[2,6] y"),
        ("y = DequantizeLinear(x, xs, xz)", "uint8[2,6] x", "float[2,6] y"),
        ("y = DequantizeLinear<axis=1>(x, ws, wz)", "int8[2,4] x", "float[2,4] y"),
        ("y = DequantizeLinear<axis=1, block_size=3>(x, block)", "int8[6,6] x", "float[6,6] y"),
        ("y = DequantizeLinear(x, one)", "int32[2,6] x", "float[2,6] y"),
    ],
)
def test_forms_of_quantization(body: str, inputs: str, outputs: str, tmp_path: Path) -> None:
    compare(body, inputs, outputs, tmp_path)


@pytest.mark.parametrize("weights", ["QInt8", "QUInt8"])
def test_quantize_dynamic(weights: str, tmp_path: Path) -> None:
    from onnxruntime.quantization import QuantType, quantize_dynamic

    path = tmp_path / "dynamic.onnx"
    quantize_dynamic(
        DIGITS / "digits.onnx", path, weight_type=QuantType[weights], reduce_range=True
    )
    with np.load(DIGITS / "test.npz") as data:
        x = data["x"][:50]
    wanted = np.concatenate(
        [next(iter(run_onnxruntime(path, {"image": row[None]}).values())) for row in x]
    )
    (found,) = converted(path, {"image": x}, tmp_path)
    np.testing.assert_allclose(found, wanted, rtol=0, atol=1e-5)
