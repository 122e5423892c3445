"""Models to start from: small ones built here, and those of the material where it is present."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from tests.onnx_models import noise, onnx_model
from tests.tflite_builder import O, T, build, const, q8

ROOT = Path(__file__).resolve().parents[2]
LARGEST = 120_000
"""Bytes of a seed: larger files take their time in the container's parser, not in ours."""


@dataclass(frozen=True)
class Seed:
    """A valid model.

    Attributes:
        name: where it comes from.
        kind: ``onnx`` or ``tflite``.
        data: the file's bytes.
    """

    name: str
    kind: str
    data: bytes


def seeds() -> list[Seed]:
    """Every seed, in a fixed order."""
    return [*_built_onnx(), *_built_tflite(), *_material()]


def _built_onnx() -> list[Seed]:
    bodies = (
        "a = Conv<pads=[1,1,1,1]>(x, w) b = Relu(a) c = MaxPool<kernel_shape=[2,2]>(b) "
        "d = Flatten(c) y = Gemm(d, g)",
        "a = Sub(x, x) b = Sigmoid(a) c = Concat<axis=1>(b, x) y = Transpose<perm=[0,2,3,1]>(c)",
        "s = Shape(x) h = Gather(s, one) y = Softmax<axis=1>(x)",
        "a = QuantizeLinear(x, scale, zero) b = DequantizeLinear(a, scale, zero) y = Add(b, x)",
        "a = Reshape(x, flat) b = MatMul(a, m) y = Clip(b, low, high)",
    )
    constants = {
        "w": noise(3, 2, 3, 3), "g": noise(75, 4), "one": np.asarray(1), "m": noise(72, 3),
        "scale": np.float32(0.1), "zero": np.int8(3), "flat": np.asarray([1, 72]),
        "low": np.float32(-1), "high": np.float32(1),
    }  # fmt: skip
    return [
        Seed(f"built {i}", "onnx", onnx_model(body, **constants).SerializeToString())
        for i, body in enumerate(bodies)
    ]


def _built_tflite() -> list[Seed]:
    weights = const("w", np.ones((4, 3, 3, 2), np.int8), scale=(0.1,) * 4, zero=(0,) * 4)
    bias = const("b", np.zeros(4, np.int32), scale=(0.01,) * 4, zero=(0,) * 4)
    conv = O("CONV_2D", (0, 1, 2), (3,), "Conv2DOptions",
             (("strideH", 1), ("strideW", 1), ("dilationHFactor", 1), ("dilationWFactor", 1),
              ("padding", 1)))  # fmt: skip
    tensors = [q8("x", (1, 6, 6, 2), 0.1, 1), weights, bias, q8("c", (1, 4, 4, 4), 0.2, -3)]
    add = [T("x", (1, 5), "FLOAT32"), T("y", (1, 5), "FLOAT32"), T("z", (1, 5), "FLOAT32")]
    sums = [O("ADD", (0, 0), (1,), "AddOptions"), O("RELU", (1,), (2,))]
    return [
        Seed("built convolution", "tflite", build(tensors, [conv])),
        Seed("built sum", "tflite", build(add, sums)),
    ]


def _material() -> list[Seed]:
    folder = Path(os.environ.get("EDGEKIT_MATERIAL", ROOT.parent / "shared" / "material"))
    found = sorted(p for p in folder.rglob("*") if p.suffix in (".onnx", ".tflite"))
    small = [p for p in found if p.stat().st_size <= LARGEST]
    return [
        Seed(str(p.relative_to(folder)), p.suffix.removeprefix("."), p.read_bytes()) for p in small
    ]
