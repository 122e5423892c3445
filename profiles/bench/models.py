"""The models that are measured. Those that the repository does not hold are skipped by name."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from edgekit.ir import DType, Graph, Quant, TensorType
from edgekit.ir.ops import RELU, Conv2D, Window

ROOT = Path(__file__).resolve().parents[2]


@dataclass(frozen=True)
class BenchModel:
    """A model to measure.

    Attributes:
        key: short name, as in the table of other stacks.
        title: for people.
        path: where it lies.
        calibration: samples for a float model.
    """

    key: str
    title: str
    path: Path
    calibration: Path | None = None


def material() -> Path:
    """The folder of models made by others: ``$EDGEKIT_MATERIAL``, or beside the repository."""
    return Path(os.environ.get("EDGEKIT_MATERIAL", ROOT.parent / "shared" / "material"))


def models() -> tuple[BenchModel, ...]:
    """Every model, present or not."""
    tiny = material() / "mlperf_tiny" / "models"
    digits = ROOT / "examples" / "digits"
    return (
        BenchModel("ic", "IC: ResNet8, MLPerf Tiny", tiny / "pretrainedResnet_quant.tflite"),
        BenchModel("kws", "KWS: DS-CNN, MLPerf Tiny", tiny / "kws_ref_model.tflite"),
        BenchModel("vww", "VWW: MobileNetV1 0.25, MLPerf Tiny", tiny / "vww_96_int8.tflite"),
        BenchModel("ad", "AD: autoencoder, MLPerf Tiny", tiny / "ad01_int8.tflite"),
        BenchModel("ww", "Streaming wake word, MLPerf Tiny", tiny / "str_ww_ref_model.tflite"),
        BenchModel(
            "digits",
            "Digits: the shipped example, float32 quantized here",
            digits / "digits.onnx",
            digits / "calibration.npz",
        ),
    )


def chain(layers: int) -> Graph:
    """A chain of int8 convolutions, 3x3 over 4x4x4, all with weights of their own."""
    rng = np.random.default_rng(layers)
    graph = Graph(f"chain_{layers}")
    type = TensorType((1, 4, 4, 4), DType.INT8, "NHWC", Quant.per_tensor(0.05, -128))
    value = graph.add_input("x", type)
    per_channel = Quant((0.01,) * 4, (0,) * 4, 0)
    weights = TensorType((4, 3, 3, 4), DType.INT8, "", per_channel)
    bias = TensorType((4,), DType.INT32, "", Quant((0.0005,) * 4, (0,) * 4, 0))
    op = Conv2D(Window(padding=(1, 1, 1, 1)), clamp=RELU)
    for i in range(layers):
        w = graph.constant(rng.integers(-127, 128, (4, 3, 3, 4), np.int8), f"w{i}", weights)
        b = graph.constant(rng.integers(-500, 500, 4, np.int32), f"b{i}", bias)
        value = graph.add_node(op, [value, w, b], type, name=f"conv{i}").output
    graph.outputs = [value]
    graph.bind_ports()
    return graph
