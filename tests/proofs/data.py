"""Labelled data of the test material, with the splits that its README prescribes."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tests.support import material

Array = NDArray[Any]

INT8_MODELS = (
    "pretrainedResnet_quant",
    "kws_ref_model",
    "vww_96_int8",
    "ad01_int8",
    "str_ww_ref_model",
)
"""The int8 models of MLPerf Tiny."""
DATASET = {
    "pretrainedResnet_quant": "ic01_200",
    "kws_ref_model": "kws01_A500",
    "vww_96_int8": "vww_coco_train2017_128",
}
"""Labelled data for those that have some."""


def int8_model(name: str) -> Path:
    """One of `INT8_MODELS`."""
    return material() / "mlperf_tiny" / "models" / f"{name}.tflite"


def labelled(dataset: str) -> tuple[Array, Array]:
    """Samples as they are stored (uint8 pixels or int8 features), and class numbers."""
    arrays = np.load(material() / "datasets" / f"{dataset}.npz")
    return arrays["x96" if "x96" in arrays else "x"], arrays["y"]


def int8_labelled(dataset: str) -> tuple[Array, Array]:
    """The same as the int8 models take them: pixels minus 128."""
    x, y = labelled(dataset)
    if x.dtype == np.uint8:
        x = (x.astype(np.int16) - 128).astype(np.int8)
    return x, y


def mixed_samples(name: str, shape: tuple[int, ...], count: int, seed: int = 0) -> Array:
    """int8 samples: the two extremes, real ones where there are some, and noise of every kind.

    Uniform noise alone drives a network into the same corner again and again; noise of many levels
    and amplitudes, and real samples with some noise on them, reach more of it.
    """
    rng = np.random.default_rng(seed)
    level = rng.uniform(-128, 127, (count, 1))
    amplitude = 2 ** rng.uniform(2, 7, (count, 1))
    size = int(np.prod(shape[1:]))
    x = level + amplitude * rng.uniform(-1, 1, (count, size))
    real = _real_samples(name)
    if real is not None:
        half = min(len(real), count // 2)
        x[1 : 1 + 2 * half : 2] = real[:half].reshape(half, -1)
        noisy = x[1 : 1 + 2 * half : 4]
        noisy += rng.normal(0, 20, noisy.shape)
    x[0] = -128
    x[2 % count] = 127
    return np.clip(np.rint(x), -128, 127).astype(np.int8).reshape(count, *shape[1:])


def _real_samples(name: str) -> Array | None:
    if name in DATASET:
        return int8_labelled(DATASET[name])[0]
    if name == "str_ww_ref_model":
        real = np.load(material() / "mlperf_tiny" / "data" / "calibration_samples.npz")["specs"]
        # The input's scale and zero point in that file; the classes lie fifteen samples apart.
        spectra: Array = np.rint(real / 0.00370104) - 128
        return spectra.reshape(3, 15, -1).transpose(1, 0, 2).reshape(45, -1)
    return None


@dataclass(frozen=True)
class FloatTask:
    """A float model with samples to calibrate on and samples to score.

    Attributes:
        model: file.
        calibration: 100 samples (28 for VWW) in the model's own layout and dtype.
        x, y: samples and classes to score.
    """

    model: Path
    calibration: Array
    x: Array
    y: Array


def _images(dataset: str, scale: float) -> tuple[Array, Array]:
    x, y = labelled(dataset)
    return x.astype(np.float32) / np.float32(scale), y


def _task(path: str, x: Array, y: Array, split: int, shape: tuple[int, ...] = ()) -> FloatTask:
    if shape:
        x = x.reshape(-1, *shape)
    return FloatTask(material() / path, x[: min(split, 100)], x[split:], y[split:])


def resnet_task() -> FloatTask:
    """ResNet8 of MLPerf Tiny: raw pixels."""
    x, y = _images("cifar10_jpg_A1000", 1.0)
    x2, y2 = _images("ic01_200", 1.0)
    first = _task("mlperf_tiny/models/pretrainedResnet.tflite", x, y, 200)
    return FloatTask(
        first.model,
        first.calibration,
        np.concatenate([x2, first.x]),
        np.concatenate([y2, first.y]),
    )


def vww_task() -> FloatTask:
    """MobileNetV1 0.25 of MLPerf Tiny, TFLite."""
    x, y = _images("vww_coco_train2017_128", 255.0)
    return _task("mlperf_tiny/models/vww_96_float.tflite", x, y, 28)


def vww_onnx_task() -> FloatTask:
    """The same network as ONNX, NCHW."""
    x, y = _images("vww_coco_train2017_128", 255.0)
    return _task("mlperf_submissions/vww_96_float.onnx", x.transpose(0, 3, 1, 2), y, 28)


def tinymaix_task() -> FloatTask:
    """A small MNIST network, TFLite."""
    x, y = _images("mnist_A1000", 255.0)
    return _task("tinymaix/mnist_valid_f.tflite", x, y, 100, (28, 28, 1))


def mnist_task() -> FloatTask:
    """The MNIST network of the ONNX model zoo: raw pixels."""
    x, y = _images("mnist_A1000", 1.0)
    return _task("ort_examples/mnist.onnx", x, y, 100, (1, 28, 28))


def digits_task() -> FloatTask:
    """The model that the project ships."""
    folder = Path(__file__).resolve().parents[2] / "examples" / "digits"
    scored = np.load(folder / "test.npz")
    calibration = np.load(folder / "calibration.npz")["x"]
    return FloatTask(folder / "digits.onnx", calibration, scored["x"], scored["y"])


FLOAT_TASKS = {
    "resnet": resnet_task,
    "vww": vww_task,
    "vww_onnx": vww_onnx_task,
    "tinymaix": tinymaix_task,
    "mnist": mnist_task,
    "digits": digits_task,
}
