"""Models quantized by ONNX Runtime's own tool: they run as integers and keep their accuracy."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from edgekit.importers.onnx import load_onnx
from edgekit.ir import DType
from edgekit.passes import CANONICAL, TO_NHWC, run_passes
from quantize.lower import LowerInteger
from tests.onnx_models import operators, run_graph, run_onnxruntime

DIGITS = Path(__file__).resolve().parents[2] / "examples" / "digits"


class Reader:
    """Calibration samples as onnxruntime.quantization reads them."""

    def __init__(self, samples: Any) -> None:
        self._samples = iter(samples)

    def get_next(self) -> dict[str, Any] | None:
        """One sample, None at the end."""
        sample = next(self._samples, None)
        return None if sample is None else {"image": sample[None]}


@pytest.mark.parametrize("per_channel", [True, False])
@pytest.mark.parametrize("activations", ["QInt8", "QUInt8"])
def test_static_quantization(activations: str, per_channel: bool, tmp_path: Path) -> None:
    from onnxruntime.quantization import QuantFormat, QuantType, quantize_static

    with np.load(DIGITS / "calibration.npz") as data:
        reader = Reader(data["x"])
    with np.load(DIGITS / "test.npz") as data:
        x, y = data["x"], data["y"]
    path = tmp_path / "q.onnx"
    quantize_static(
        DIGITS / "digits.onnx", path, reader, quant_format=QuantFormat.QDQ,
        activation_type=QuantType[activations], weight_type=QuantType.QInt8,
        per_channel=per_channel,
    )  # fmt: skip
    graph = run_passes(load_onnx(path), CANONICAL)
    assert operators(graph) == ["Conv2D", "Conv2D", "MaxPool2D", "Reshape", "Dense", "Softmax"]
    assert {n.output.type.dtype for n in graph.nodes} == {DType.INT8}
    integer = run_passes(graph, (*TO_NHWC, LowerInteger("onnx")))
    found = run_graph(integer, {"x": x})["probabilities"]
    wanted = run_onnxruntime(path, {"image": x})["probabilities"]
    assert np.abs(found - wanted).max() <= 1.01 / 255
    accuracy = [(a.argmax(axis=1) == y).mean() for a in (found, wanted)]
    assert accuracy[0] >= accuracy[1] - 0.005
