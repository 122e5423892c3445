"""int8 models that compute a part in float32: the int8 part is exact, the rest within tolerance."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from edgekit import api
from quantize.oracle import run_litert
from targets.load import load_core
from targets.toolchains import get_toolchain
from tests.onnx_models import noise, onnx_model, operators, run_onnxruntime, save
from tests.runners.support import skip_unless
from tests.tflite_builder import O, T, build, const, q8

X = noise(6, 2, 6, 6, seed=3)


def pair(name: str, source: str, scale: str, zero: str) -> str:
    return (
        f"{name}_q = QuantizeLinear({source}, {scale}, {zero})"
        f" {name} = DequantizeLinear({name}_q, {scale}, {zero}) "
    )


CONVOLUTION = (
    pair("xd", "x", "s", "z")
    + "wd = DequantizeLinear(w, ws, wz) c = Conv<pads=[1,1,1,1]>(xd, wd) "
    + pair("h", "c", "t", "u")
)
SOFTMAX_AT_THE_END = CONVOLUTION + "f = Flatten(h) y = Softmax(f)"
FLOAT_IN_THE_MIDDLE = CONVOLUTION + "m = Mul(h, k) " + pair("n", "m", "t", "u")
FLOAT_IN_THE_MIDDLE += "r = Relu(n) " + pair("y", "r", "t", "u")
FLOAT_AT_THE_START = "a = Mul(x, x) " + CONVOLUTION.replace("(x,", "(a,") + "y = Flatten(h)"


def model(body: str, folder: Path) -> Path:
    constants: dict[str, Any] = {
        "s": np.float32(0.03), "z": np.int8(5), "t": np.float32(0.05), "u": np.int8(-20),
        "w": np.random.default_rng(5).integers(-127, 128, (4, 2, 3, 3)).astype(np.int8),
        "ws": np.float32(0.01), "wz": np.int8(0), "k": noise(1, 4, 1, 1),
    }  # fmt: skip
    return save(onnx_model(body, "float[1,2,6,6] x", **constants), folder)


def convert(path: Path, folder: Path) -> Any:
    skip_unless(get_toolchain("zig").missing(load_core("cortex-m4")))
    options = api.ConvertOptions("cortex-m4", toolchain="zig", rounding="litert")
    return api.convert(path, folder / "out", options)


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        (SOFTMAX_AT_THE_END, ["QConv2D", "Dequantize", "Softmax"]),
        (FLOAT_IN_THE_MIDDLE, ["QConv2D", "Dequantize", "Mul", "Quantize", "QClip"]),
        (FLOAT_AT_THE_START, ["Mul", "Quantize", "QConv2D"]),
    ],
    ids=["end", "middle", "start"],
)
def test_a_float_part_of_an_int8_model(body: str, expected: list[str], tmp_path: Path) -> None:
    path = model(body, tmp_path)
    deployment = convert(path, tmp_path)
    moves = ("Transpose", "Reshape")
    assert [o for o in operators(deployment.graph) if o not in moves] == expected
    for place in ("host", "emulator"):
        steps = deployment.debug({"x": X}, on=place).steps
        integers = [s for s in steps if s.op.startswith("Q") or s.op == "Dequantize"]
        assert integers
        assert all(s.max_abs_diff == 0 for s in integers), "integers are exact"
        found = deployment.run({"x": X}, on=place)["y"]
        reference = deployment.run({"x": X}, on="reference")["y"]
        np.testing.assert_allclose(found, reference, rtol=0, atol=1e-4 * np.abs(reference).max())
        wanted = [run_onnxruntime(path, {"x": X[i : i + 1]})["y"] for i in range(len(X))]
        # a step of 0.05 on the way to the softmax changes a probability by a twentieth of itself
        assert np.abs(found - np.concatenate(wanted)).max() <= 0.0501
    assert deployment.report.verification.emulator != "not_run"


def test_a_float_softmax_behind_an_int8_tflite_model(tmp_path: Path) -> None:
    rng = np.random.default_rng(2)
    tensors = [
        q8("x", (1, 5), 0.05, 3),
        const("w", rng.integers(-127, 128, (4, 5)).astype(np.int8), scale=(0.02,)),
        q8("logits", (1, 4), 0.1, -7),
        T("real", (1, 4), "FLOAT32"),
        T("y", (1, 4), "FLOAT32"),
    ]
    operators = [
        O("FULLY_CONNECTED", (0, 1, -1), (2,), "FullyConnectedOptions"),
        O("DEQUANTIZE", (2,), (3,)),
        O("SOFTMAX", (3,), (4,), "SoftmaxOptions", (("beta", 1.0),)),
    ]
    path = tmp_path / "m.tflite"
    path.write_bytes(build(tensors, operators))
    deployment = convert(path, tmp_path)
    x = rng.integers(-128, 128, (8, 5)).astype(np.int8)
    steps = deployment.debug({"x": x}, on="emulator").steps
    assert [s.op for s in steps] == ["QDense", "Dequantize", "Softmax"]
    assert [s.different for s in steps] == [0, 0, 0]
    (wanted,) = run_litert(path.read_bytes(), [x])
    found = deployment.run({"x": x}, on="emulator")["y"]
    np.testing.assert_allclose(found, wanted, rtol=0, atol=1e-5)


def test_the_stored_host_test_allows_the_tolerance(tmp_path: Path) -> None:
    deployment = convert(model(SOFTMAX_AT_THE_END, tmp_path), tmp_path)
    test = (deployment.folder / "test" / "host_test.c").read_text(encoding="utf-8")
    assert "close_enough(output_0" in test
