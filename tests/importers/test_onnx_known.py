"""Operators whose results or effects are known at conversion, and Fourier transforms."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from onnx.reference import ReferenceEvaluator

from edgekit.errors import ModelError
from edgekit.importers.onnx import load_onnx
from tests.onnx_models import assert_all_stages, ints, noise, onnx_model, operators, run_graph, save


@pytest.mark.parametrize(
    "body",
    [
        "s = Shape(x) c = ConstantOfShape(s) y = Add(x, c)",
        "n = Size(x) f = Cast<to=1>(n) y = Mul(x, f)",
        "s = Shape<start=-2, end=-1>(x) f = Cast<to=1>(s) y = Mul(x, f)",
        "y, m = Dropout(x)",
        "e = Slice(x, three, three, one) y = Concat<axis=1>(e, x)",
    ],
)
def test_known_results_become_constants(body: str, tmp_path: Path) -> None:
    inputs, output = "float[1,3,4] x", "float[1,3,4] y"
    model = onnx_model(body, inputs, output, opset=17, three=ints([3]), one=ints([1]))
    graphs = assert_all_stages(save(model, tmp_path), {"x": noise(1, 3, 4)})
    assert len(graphs["imported"].nodes) == 1


def test_an_input_without_elements_is_none_of_the_code(tmp_path: Path) -> None:
    model = onnx_model("y = Concat<axis=1>(past, x)", "float[1,0,4] past, float[1,3,4] x")
    graph = load_onnx(save(model, tmp_path))
    assert [v.name for v in graph.inputs] == ["x"]
    x = noise(1, 3, 4)
    np.testing.assert_array_equal(run_graph(graph, {"x": x})["y"], x)


def test_an_output_without_elements_is_refused(tmp_path: Path) -> None:
    model = onnx_model("y = Relu(x)", "float[0,4] x", "float[0,4] y")
    with pytest.raises(ModelError, match=r"holds nothing.*--shape"):
        load_onnx(save(model, tmp_path))
    assert load_onnx(save(model, tmp_path), shapes={"x": (2, 4)}).inputs[0].type.shape == (2, 4)


@pytest.mark.parametrize(
    ("shape", "attributes", "inputs"),
    [
        ((1, 12, 3, 1), "", "x, , axis"),
        ((1, 12, 3, 2), "<inverse=1>", "x, , axis"),
        ((1, 12, 3, 1), "<onesided=1>", "x, length, axis"),
        ((1, 7, 3, 1), "", "x, length, axis"),
        ((1, 12, 3, 2), "", "x, length, axis"),
    ],
)
def test_dft(shape: tuple[int, ...], attributes: str, inputs: str, tmp_path: Path) -> None:
    model = onnx_model(
        f"y = DFT{attributes}({inputs})", f"float[{','.join(map(str, shape))}] x", opset=20,
        axis=np.int64(1), length=np.int64(9),
    )  # fmt: skip
    x = noise(*shape)
    found = run_graph(load_onnx(save(model, tmp_path)), {"x": x})["y"]
    want = ReferenceEvaluator(model).run(None, {"x": x})[0]
    np.testing.assert_allclose(found, want, atol=2e-6 * np.abs(want).max())


def test_stft_with_a_window_known_at_run_time(tmp_path: Path) -> None:
    model = onnx_model(
        "y = STFT(x, step, w)", "float[2,40,1] x, float[16] w", "float[2,9,9,2] y", opset=17,
        step=np.int64(3),
    )  # fmt: skip
    graphs = assert_all_stages(save(model, tmp_path), {"x": noise(2, 40, 1), "w": noise(16)})
    assert operators(graphs["imported"]).count("MatMul") == 1


def test_mel_weight_matrix(tmp_path: Path) -> None:
    model = onnx_model(
        "m = MelWeightMatrix(bands, length, rate, low, high) y = MatMul(x, m)", "float[1,129] x",
        opset=17, bands=ints([8])[0], length=ints([256])[0], rate=ints([8192])[0],
        low=np.float32(0), high=np.float32(4096),
    )  # fmt: skip
    x = noise(1, 129)
    found = run_graph(load_onnx(save(model, tmp_path)), {"x": x})["y"]
    want = ReferenceEvaluator(model).run(None, {"x": x})[0]
    np.testing.assert_allclose(found, want, rtol=1e-5, atol=1e-5)
