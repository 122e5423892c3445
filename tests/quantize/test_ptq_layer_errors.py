"""The error of each layer, against a computation by hand."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from edgekit.importers.onnx import load_onnx
from edgekit.passes import CANONICAL, TO_NHWC, run_passes
from quantize.layer_errors import quantization_error
from quantize.lower import LowerInteger
from quantize.ptq import quantize_graph
from tests.onnx_models import noise, onnx_model, run_graph, run_onnxruntime, save

SAMPLES = {"x": noise(20, 2, 6, 6, seed=9)}
BODY = "h = Conv<pads=[1,1,1,1]>(x, w) r = Relu(h) f = Flatten(r) y = Gemm(f, v)"


def test_errors_by_layer(tmp_path: Path) -> None:
    path = save(onnx_model(BODY, w=noise(4, 2, 3, 3), v=noise(144, 3)), tmp_path)
    graph = run_passes(load_onnx(path), CANONICAL)
    integer = run_passes(quantize_graph(graph, SAMPLES), (*TO_NHWC, LowerInteger("litert")))
    found = {e.name: e for e in quantization_error(graph, integer, SAMPLES)}
    assert {"r", "y"} <= found.keys(), "the convolution (in NHWC) and the dense layer"
    real = run_onnxruntime(path, SAMPLES)["y"].astype(np.float64)
    difference = run_graph(integer, SAMPLES)["y"] - real
    entry = found["y"]
    assert entry.op == "QDense"
    sqnr = 10 * np.log10(np.square(real).sum() / np.square(difference).sum())
    assert entry.sqnr_db == pytest.approx(sqnr, abs=0.01)
    assert entry.max_abs == pytest.approx(np.abs(difference).max(), rel=1e-3)
    assert entry.mean == pytest.approx(difference.mean(), abs=1e-5)
    sqnr_conv = found["r"].sqnr_db
    assert sqnr_conv is not None
    assert sqnr_conv > 30, "8 bits keep a single layer close; layouts must be aligned"


def test_no_noise_is_said_as_such(tmp_path: Path) -> None:
    path = save(onnx_model("y = Relu(x)"), tmp_path)
    graph = run_passes(load_onnx(path), CANONICAL)
    entries = quantization_error(graph, graph, SAMPLES)
    assert [(e.sqnr_db, e.max_abs) for e in entries] == [(None, 0.0)]
