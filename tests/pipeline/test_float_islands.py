"""An int8 model with an operator that has no int8 form: calibration, C, agreement with the float
model, and what the report says of it."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from edgekit import api
from edgekit.deployment import Deployment
from tests.onnx_models import noise, onnx_model, run_onnxruntime, save

BODY = """
    h = Conv<pads=[1,1,1,1]>(x, w)
    a = HardSwish(h)
    s = Sigmoid(h)
    g = Mul(a, s)
    p = PRelu(h, slope)
    t = Tanh(p)
    m = Mod<fmod=1>(g, period)
    k = Greater(m, t)
    c = Where(k, m, t)
    e = Exp(c)
    y = Div(e, three)
"""


@pytest.fixture(scope="module")
def converted(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Deployment]:
    folder = tmp_path_factory.mktemp("islands")
    model = onnx_model(
        BODY, "float[1,2,6,6] x", "float[1,4,6,6] y", opset=16, w=noise(4, 2, 3, 3, scale=0.3),
        slope=np.full((4, 1, 1), 0.2, np.float32), period=np.full((1, 4, 1, 1), 8.0, np.float32),
        three=np.float32(3.0),
    )  # fmt: skip
    path = save(model, folder)
    samples = {"x": noise(16, 2, 6, 6, seed=4)}
    options = api.ConvertOptions("host", precision="int8")
    return path, api.convert(path, folder / "out", options, calibration=samples)


def test_it_computes_what_the_float_model_does(converted: tuple[Path, Deployment]) -> None:
    path, deployment = converted
    x = noise(1, 2, 6, 6, seed=5)
    want = run_onnxruntime(path, {"x": x})["y"]
    found = deployment.run({"x": x}, on="host")["y"]
    error = np.abs(found - want)
    assert error.max() < 0.06 * np.abs(want).max()
    assert error.mean() < 0.01 * np.abs(want).max()


def test_the_report_names_it_with_its_neighbours(converted: tuple[Path, Deployment]) -> None:
    _, deployment = converted
    (line,) = [w for w in deployment.report.warnings if "float32" in w]
    assert "without an int8 form: Fmod 'm'" in line
    assert "conversions to and from float32: 2" in line
