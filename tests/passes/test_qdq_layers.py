"""QDQ models of layers that are not plain 2-D ones: integer operators, ONNX Runtime's results."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from edgekit.importers.onnx import load_onnx
from edgekit.ir import Graph
from edgekit.passes import CANONICAL, TO_NHWC, run_passes
from edgekit.passes.hoist_quantize import HoistQuantize
from quantize.lower import LowerInteger
from tests.codegen.batch import compile_all
from tests.onnx_models import noise, onnx_model, operators, run_graph, run_onnxruntime, save

STEP = 0.043


def pair(name: str, source: str) -> str:
    """A QuantizeLinear and a DequantizeLinear."""
    return f"{name}q = QuantizeLinear({source}, s, z) {name} = DequantizeLinear({name}q, s, z) "


def weights(*shape: int, axis: int) -> dict[str, Any]:
    """int8 weights with a scale for each channel."""
    rng = np.random.default_rng(1)
    count = shape[axis]
    return {
        "w8": rng.integers(-127, 128, shape).astype(np.int8),
        "ws": rng.uniform(0.004, 0.02, count).astype(np.float32),
        "wz": np.zeros(count, np.int8),
    }


W = "w = DequantizeLinear<axis={}>(w8, ws, wz) "
CASES: list[tuple[str, str, dict[str, Any], str]] = [
    (pair("a", "x") + W.format(0) + "h = Conv<pads=[1,1]>(a, w) " + pair("y", "h"),
     "float[1,3,8] x", weights(4, 3, 3, axis=0), "QConv2D"),
    (pair("a", "x") + W.format(0) + "h = Conv<group=2>(a, w) " + pair("y", "h"),
     "float[1,4,5,5] x", weights(6, 2, 3, 3, axis=0), "QConv2D"),
    (pair("a", "x") + W.format(1) + "h = ConvTranspose<strides=[2,2]>(a, w) " + pair("y", "h"),
     "float[1,3,4,4] x", weights(3, 4, 3, 2, axis=1), "QConvTranspose"),
    (pair("a", "x") + W.format(1) + "h = MatMul(a, w) " + pair("y", "h"),
     "float[1,3,4] x", weights(4, 5, axis=1), "QDense"),
    (pair("a", "x") + pair("b", "v") + "h = MatMul(a, b) " + pair("y", "h"),
     "float[1,3,4] x, float[1,4,5] v", {}, "QMatMul"),
    (pair("a", "x") + "h = MaxPool<kernel_shape=[2]>(a) " + pair("y", "h"),
     "float[1,3,8] x", {}, "QMaxPool2D"),
]  # fmt: skip


def lowered(path: Path) -> Graph:
    canonical = run_passes(load_onnx(path), CANONICAL)
    return run_passes(canonical, (*TO_NHWC, LowerInteger("onnx")))


@pytest.mark.parametrize(("body", "inputs", "constants", "operator"), CASES)
def test_layers_become_integer(
    body: str, inputs: str, constants: dict[str, Any], operator: str, tmp_path: Path
) -> None:
    quant = {"s": np.float32(STEP), "z": np.int8(3)}
    path = save(onnx_model(body, inputs, **constants, **quant), tmp_path)
    graph = lowered(path)
    assert operator in operators(graph)
    assert not {"Quantize", "Dequantize"} & set(operators(graph))
    shapes = {b.name: b.outer.shape for b in graph.input_bindings}
    arrays = {name: noise(*shape, seed=9) for name, shape in shapes.items()}
    found, wanted = run_graph(graph, arrays)["y"], run_onnxruntime(path, arrays)["y"]
    # ONNX Runtime multiplies in float32: a sum half way between two integers may go either way.
    np.testing.assert_allclose(found, wanted, rtol=0, atol=1.01 * STEP)
    assert np.mean(np.abs(found - wanted) > STEP / 2) < 0.05
    for case in compile_all([graph]):
        case.check_samples()


def test_quantize_is_not_hoisted_over_a_move_that_others_read(tmp_path: Path) -> None:
    body = "h = Flatten(x) q = QuantizeLinear(h, s, z) r = DequantizeLinear(q, s, z) y = Add(h, r)"
    quant = {"s": np.float32(STEP), "z": np.int8(3)}
    graph = load_onnx(save(onnx_model(body, "float[1,3,4] x", **quant), tmp_path))
    before = str(graph)
    assert not HoistQuantize().run(graph)
    assert str(graph) == before
