"""Calibration of transposed and 1-D convolutions, products of activations and normalisations."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from edgekit.importers.onnx import load_onnx
from edgekit.passes import CANONICAL, TO_NHWC, run_passes
from quantize.lower import LowerInteger
from quantize.ptq import quantize_graph
from tests.codegen.batch import compile_all
from tests.onnx_models import noise, onnx_model, operators, run_graph, run_onnxruntime, save

CASES: list[tuple[str, str, dict[str, Any], set[str]]] = [
    ("h = ConvTranspose<strides=[2,2]>(x, w, b) y = Relu(h)", "float[n,3,4,4] x",
     {"w": noise(3, 5, 3, 3), "b": noise(5)}, {"QConvTranspose"}),
    ("y = ConvTranspose<strides=[2], group=2>(x, w)", "float[n,4,6] x",
     {"w": noise(4, 3, 4)}, {"QConvTranspose"}),
    ("h = Conv<pads=[1,1]>(x, w, b) y = Relu(h)", "float[n,3,8] x",
     {"w": noise(6, 3, 3), "b": noise(6)}, {"QConv2D"}),
    ("t = Transpose<perm=[0,2,1]>(x) h = MatMul(x, t) p = Softmax(h) y = MatMul(p, x)",
     "float[n,5,4] x", {}, {"QMatMul"}),
    ("h = MatMul(x, w) k = LayerNormalization(h, s, b) y = MatMul(k, v)", "float[n,5,4] x",
     {"w": noise(4, 6), "s": noise(6), "b": noise(6), "v": noise(6, 3)},
     {"QDense", "Dequantize", "Normalize", "Quantize"}),
]  # fmt: skip


@pytest.mark.parametrize(("body", "inputs", "constants", "wanted"), CASES)
def test_layers_are_quantized(
    body: str, inputs: str, constants: dict[str, Any], wanted: set[str], tmp_path: Path
) -> None:
    path = save(onnx_model(body, inputs, opset=17, **constants), tmp_path)
    shape = [int(n) for n in inputs[inputs.index(",") + 1 : inputs.index("]")].split(",")]
    samples = {"x": noise(32, *shape, seed=3)}
    graph = run_passes(load_onnx(path), CANONICAL)
    lowered = run_passes(quantize_graph(graph, samples), (*TO_NHWC, LowerInteger("fast")))
    assert wanted <= set(operators(lowered))
    found = run_graph(lowered, samples)["y"]
    real = np.concatenate(
        [run_onnxruntime(path, {"x": samples["x"][i : i + 1]})["y"] for i in range(32)]
    )
    error = np.sqrt(np.mean(np.square(found.reshape(real.shape) - real)))
    assert error < 0.03 * np.sqrt(np.mean(np.square(real)))
    for case in compile_all([lowered]):
        case.check_samples()
