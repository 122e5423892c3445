"""Accuracy after quantization with 100 (VWW: 28) calibration samples, beside the float model.

Splits: those of the material's README, so that calibration and scoring never meet.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from edgekit.importers import load_model
from edgekit.ir import Graph
from edgekit.passes import CANONICAL, TO_NHWC, run_passes
from quantize.lower import LowerInteger
from quantize.ptq import quantize_graph
from tests.onnx_models import run_graph
from tests.support import material

DIGITS = Path(__file__).resolve().parents[2] / "examples" / "digits"
Samples = NDArray[np.float32]


def top1(graph: Graph, x: Samples, y: NDArray[Any]) -> float:
    """Share of samples whose largest output is the label."""
    out = next(iter(run_graph(graph, {graph.input_bindings[0].name: x}).values()))
    return float((out.reshape(len(x), -1).argmax(axis=1) == y).mean())


def both(
    path: Path, calibration: Samples, x: Samples, y: NDArray[Any], observer: str = "minmax"
) -> tuple[float, float]:
    """Accuracy of the float model and of its integer form."""
    graph = run_passes(load_model(path), CANONICAL)
    name = graph.input_bindings[0].name
    quantized = quantize_graph(graph, {name: calibration}, observer=observer)
    integer = run_passes(quantized, (*TO_NHWC, LowerInteger("litert")))
    return top1(run_passes(graph, TO_NHWC), x, y), top1(integer, x, y)


def dataset(name: str, key: str = "x") -> tuple[Samples, NDArray[Any]]:
    """Samples as float32 and labels."""
    with np.load(material() / "datasets" / f"{name}.npz") as data:
        return data[key].astype(np.float32), data["y"]


@pytest.mark.parametrize("observer", ["minmax", "percentile"])
def test_digits(observer: str) -> None:
    with np.load(DIGITS / "calibration.npz") as data:
        calibration = data["x"]
    with np.load(DIGITS / "test.npz") as data:
        x, y = data["x"], data["y"]
    assert len(calibration) == 100
    assert len(x) >= 350
    assert not {a.tobytes() for a in calibration} & {a.tobytes() for a in x}
    real, integer = both(DIGITS / "digits.onnx", calibration, x, y, observer)
    assert real >= 0.98
    assert integer >= real - 0.01


@pytest.mark.parametrize("observer", ["minmax", "percentile"])
def test_mnist_onnx(observer: str) -> None:
    """The model takes pixels 0..255: with them it has its published 0.987."""
    x, y = dataset("mnist_A1000")
    x = x[:, None]
    path = material() / "ort_examples" / "mnist.onnx"
    real, integer = both(path, x[:100], x[100:], y[100:], observer)
    assert real == pytest.approx(0.987, abs=0.002)
    assert integer >= real - 0.01


def test_mnist_tinymaix() -> None:
    x, y = dataset("mnist_A1000")
    x = x[..., None] / np.float32(255)
    real, integer = both(material() / "tinymaix" / "mnist_valid_f.tflite", x[:100], x[100:],
                         y[100:])  # fmt: skip
    assert real == pytest.approx(0.960, abs=0.01)
    assert integer >= real - 0.01


def test_resnet_tflite() -> None:
    x, y = dataset("cifar10_jpg_A1000")
    x2, y2 = dataset("ic01_200")
    scored, labels = np.concatenate([x2, x[200:]]), np.concatenate([y2, y[200:]])
    path = material() / "mlperf_tiny" / "models" / "pretrainedResnet.tflite"
    real, integer = both(path, x[:100], scored, labels)
    assert integer >= real - 0.01


@pytest.mark.parametrize("model", ["mlperf_submissions/vww_96_float.onnx",
                                   "mlperf_tiny/models/vww_96_float.tflite"])  # fmt: skip
def test_visual_wake_words(model: str) -> None:
    x, y = dataset("vww_coco_train2017_128", "x96")
    x /= np.float32(255)
    if model.endswith(".onnx"):
        x = np.ascontiguousarray(x.transpose(0, 3, 1, 2))
    real, integer = both(material() / model, x[:28], x[28:], y[28:])
    assert real == pytest.approx(0.86, abs=0.02)
    assert integer >= real - 0.02, "100 images: two of them"
