"""Real models made by others: imported or refused with reasons, and equal to ONNX Runtime."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from edgekit.errors import ModelError
from edgekit.importers.onnx import load_onnx
from tests.onnx_models import assert_all_stages, noise, operators, run_graph, stages
from tests.support import material

WHOLE = [
    "ort_examples/mnist.onnx",
    "mlperf_submissions/vww_96_float.onnx",
    "hls4ml/onnx/conv2d_small_keras.onnx",
    "hls4ml/onnx/dense_big_keras.onnx",
    "hls4ml/onnx/three_layer_keras.onnx",
    "onnx2c/simple_networks/conv_2ch_3kernels_randombias.onnx",
    "onnx2c/simple_networks/conv_k2_maxpool_k2.onnx",
    "onnx2c/simple_networks/maxpool_k2_s2.onnx",
]


@pytest.mark.parametrize("name", WHOLE)
def test_networks(name: str) -> None:
    path = material() / name
    graph = load_onnx(path)
    shapes = {b.name: b.outer.shape for b in graph.input_bindings}
    found = assert_all_stages(path, {n: noise(1, *s[1:], seed=4) for n, s in shapes.items()})
    assert "Transpose" not in operators(found["nhwc"])


def test_every_file_is_imported_or_refused_with_a_reason() -> None:
    imported = 0
    for path in sorted(material().rglob("*.onnx")):
        try:
            load_onnx(path)
        except ModelError as error:
            if not error.problems:
                pytest.fail(f"{path}: {error}")
        else:
            imported += 1
    assert imported >= 45


OTHER_MEANING = {"FP32_Softmax_CrossEntropy"}
"""Files whose stored result is not what ONNX defines: the second output in place of the first."""


def test_single_operators_with_stored_results() -> None:
    checked = 0
    for path in sorted((material() / "deeploy" / "kernels").rglob("network.onnx")):
        if path.parent.name not in OTHER_MEANING:
            checked += _stored_results(path)
    assert checked >= 20


def _stored_results(path: Path) -> bool:
    try:
        found = stages(path)
    except ModelError:
        return False
    with np.load(path.parent / "inputs.npz") as data:
        inputs = [data[k] for k in data.files]
    with np.load(path.parent / "outputs.npz") as data:
        outputs = [data[k] for k in data.files]
    for stage, graph in found.items():
        shapes = [b.outer.shape for b in graph.input_bindings]
        if [a.shape for a in inputs] != shapes:
            return False
        named = {
            b.name: a.astype(b.outer.dtype.numpy)
            for b, a in zip(graph.input_bindings, inputs, strict=True)
        }
        results = run_graph(graph, named).values()
        for array, wanted in zip(results, outputs, strict=True):
            np.testing.assert_allclose(
                array.reshape(-1), wanted.reshape(-1), rtol=1e-3, atol=1e-4,
                err_msg=f"{path.parent.name} {stage}",
            )  # fmt: skip
    return True
