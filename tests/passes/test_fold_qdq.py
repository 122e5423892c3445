"""QDQ models: pairs disappear, parameters stay, integers agree with ONNX Runtime to 1."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from edgekit.importers.onnx import load_onnx
from edgekit.ir import DType, Graph, Quant
from edgekit.ir.ops import Conv2D
from edgekit.passes import CANONICAL, TO_NHWC, run_passes
from quantize.lower import LowerInteger
from tests.onnx_models import IMAGE, noise, onnx_model, operators, run_graph, run_onnxruntime, save

S8, U8 = np.int8, np.uint8


def pair(name: str, source: str, scale: str = "s", zero: str = "z") -> str:
    """QuantizeLinear and DequantizeLinear as text."""
    return (
        f"{name}_q = QuantizeLinear({source}, {scale}, {zero})"
        f" {name} = DequantizeLinear({name}_q, {scale}, {zero}) "
    )


def constants(kind: type = S8) -> dict[str, Any]:
    """Scales and zero points, and per-channel int8 weights with an int32 bias."""
    base = 0 if kind is S8 else 128
    rng = np.random.default_rng(5)
    scales = np.float32(0.01) * (1 + np.arange(4, dtype=np.float32))
    return {
        "s": np.float32(0.03), "z": kind(base + 5), "t": np.float32(0.05), "u": kind(base - 20),
        "w": rng.integers(-127, 128, (4, 2, 3, 3)).astype(np.int8), "ws": scales,
        "wz": np.zeros(4, np.int8), "b": rng.integers(-900, 900, 4).astype(np.int32),
        "bs": np.float32(0.03) * scales, "bz": np.zeros(4, np.int32),
    }  # fmt: skip


WEIGHTS = "wd = DequantizeLinear<axis=0>(w, ws, wz) bd = DequantizeLinear<axis=0>(b, bs, bz) "
LAYER = pair("xd", "x") + WEIGHTS + "c = Conv<pads=[1,1,1,1]>(xd, wd, bd) "


def lowered(path: Path) -> tuple[Graph, Graph]:
    """The canonical graph and its integer form."""
    graph = run_passes(load_onnx(path), CANONICAL)
    return graph, run_passes(graph, (*TO_NHWC, LowerInteger("fast")))


def assert_close(path: Path, step: float, samples: int = 4) -> None:
    """Outputs differ by at most one step of the output's quantization, rarely."""
    graph, integer = lowered(path)
    shape = graph.input_bindings[0].outer.shape
    x: NDArray[Any] = noise(samples, *shape[1:], seed=3)
    if graph.input_bindings[0].outer.dtype is DType.INT8:
        x = np.random.default_rng(1).integers(-128, 128, x.shape).astype(np.int8)
    # one sample at a time: the exported batch axis may be fixed
    wanted = [run_onnxruntime(path, {"x": x[i : i + 1]})["y"] for i in range(samples)]
    difference = np.abs(run_graph(integer, {"x": x})["y"] - np.concatenate(wanted))
    assert difference.max() <= 1.001 * step
    assert (difference > 0).mean() < 0.02


@pytest.mark.parametrize("kind", [S8, U8])
def test_quantized_convolution(kind: type, tmp_path: Path) -> None:
    model = onnx_model(LAYER + "r = Relu(c) " + pair("y", "r", "t", "u"), **constants(kind))
    path = save(model, tmp_path)
    graph, _ = lowered(path)
    assert operators(graph) == ["Conv2D"]
    conv = graph.nodes[0]
    assert isinstance(conv.op, Conv2D)
    assert graph.inputs[0].type.quant == Quant.per_tensor(float(np.float32(0.03)), 5)
    assert conv.output.type.quant == Quant.per_tensor(float(np.float32(0.05)), -20)
    weights = conv.input(1).type.quant
    assert weights is not None
    assert weights.axis == 0
    assert conv.input(2).type.dtype is DType.INT32
    assert graph.input_bindings[0].outer.dtype is DType.FLOAT32
    assert graph.output_bindings[0].outer.dtype is DType.FLOAT32
    assert_close(path, 0.05)


def test_constants_without_dequantize_nodes_are_quantized_where_they_lie(tmp_path: Path) -> None:
    """Float weights under a QuantizeLinear (as quantization-aware training writes them)."""
    body = (
        pair("xd", "x")
        + "wq = QuantizeLinear<axis=0>(w, ws, wz) wd = DequantizeLinear<axis=0>(wq, ws, wz) "
        + "c = Conv(xd, wd, f) "
        + pair("y", "c", "t", "u")
    )
    data = constants() | {"w": noise(4, 2, 3, 3, scale=0.5), "f": noise(4, seed=8)}
    path = save(onnx_model(body, **data), tmp_path)
    graph, _ = lowered(path)
    assert operators(graph) == ["Conv2D"]
    assert graph.nodes[0].input(1).type.dtype is DType.INT8
    assert graph.nodes[0].input(2).type.dtype is DType.INT32, "a float bias is quantized"
    assert_close(path, 0.05)


def test_moves_between_pairs(tmp_path: Path) -> None:
    body = (
        pair("xd", "x")
        + "p = MaxPool<kernel_shape=[2,2]>(xd) "
        + pair("pd", "p")
        + "f = Flatten(pd) t0 = Relu(f) "
        + pair("y", "t0")
    )
    path = save(onnx_model(body, **constants()), tmp_path)
    graph, _ = lowered(path)
    assert operators(graph) == ["MaxPool2D", "Reshape", "Clip"]
    assert {v.type.dtype for n in graph.nodes for v in n.outputs} == {DType.INT8}
    assert_close(path, 0.03)


def test_residual_sum_and_requantization(tmp_path: Path) -> None:
    body = (
        pair("xd", "x")
        + "a = Add(xd, xd) r = Relu(a) "
        + pair("rd", "r", "t", "u")
        + "m = MaxPool<kernel_shape=[2,2]>(rd) "
        + pair("y", "m")
    )
    path = save(onnx_model(body, **constants()), tmp_path)
    graph, _ = lowered(path)
    assert operators(graph) == ["Add", "MaxPool2D", "Quantize"]
    assert_close(path, 0.03)


def test_int8_ports_stay_int8(tmp_path: Path) -> None:
    body = (
        "xd = DequantizeLinear(x, s, z) " + WEIGHTS + "c = Conv(xd, wd, bd) "
        "y = QuantizeLinear(c, t, u)"
    )
    model = onnx_model(body, IMAGE.replace("float", "int8"), "int8[] y", **constants())
    path = save(model, tmp_path)
    graph, _ = lowered(path)
    assert operators(graph) == ["Conv2D"]
    assert graph.input_bindings[0].outer.dtype is DType.INT8
    assert graph.inputs[0].type.quant == Quant.per_tensor(float(np.float32(0.03)), 5)
    assert_close(path, 1.0)


def test_a_float_layer_in_between_stays_float(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    body = LAYER + "k = Add(c, c) r = Conv(k, v) " + pair("y", "r", "t", "u")
    path = save(onnx_model(body, v=noise(1, 4, 3, 3), **constants()), tmp_path)
    with caplog.at_level("DEBUG", logger="edgekit.passes"):
        graph = run_passes(load_onnx(path), CANONICAL)
    assert "also used unquantized" in caplog.text
    assert "Dequantize" in operators(graph)
