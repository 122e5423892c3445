"""Float activations with weights of other types: int8 (hybrid), float16, int8 behind DEQUANTIZE."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from tests.differential.litert import assert_c_equals_litert, import_bytes
from tests.tflite_builder import SAME, O, T, build, const

SCALES = (0.02, 0.01, 0.03, 0.005)
FIELDS = {
    "CONV_2D": {"dilationHFactor": 1, "dilationWFactor": 1},
    "DEPTHWISE_CONV_2D": {"depthMultiplier": 2, "dilationHFactor": 1, "dilationWFactor": 1},
}
SHAPES = {"CONV_2D": (4, 3, 3, 2), "DEPTHWISE_CONV_2D": (1, 3, 3, 4), "FULLY_CONNECTED": (4, 60)}
OPTIONS = {
    "CONV_2D": "Conv2DOptions",
    "DEPTHWISE_CONV_2D": "DepthwiseConv2DOptions",
    "FULLY_CONNECTED": "FullyConnectedOptions",
}


def integers(kind: str) -> NDArray[np.int8]:
    return np.random.default_rng(1).integers(-127, 128, SHAPES[kind], dtype=np.int8)


def reals(kind: str) -> NDArray[np.float32]:
    """What the integers stand for."""
    axis = 3 if kind == "DEPTHWISE_CONV_2D" else 0
    shape = [1] * len(SHAPES[kind])
    shape[axis] = 4
    return (integers(kind) * np.array(SCALES, np.float32).reshape(shape)).astype(np.float32)


def layer(kind: str, weights: T, between: str = "") -> bytes:
    """One layer over (1, 5, 6, 2), its weights possibly behind another operator."""
    dense = kind == "FULLY_CONNECTED"
    fields: dict[str, Any] = dict(FIELDS.get(kind, {}))
    if not dense:
        fields |= {"padding": SAME, "strideH": 1, "strideW": 1}
    bias = np.array([0.5, -1.0, 0.0, 2.0], np.float32)
    tensors = [
        T("x", (1, 60) if dense else (1, 5, 6, 2), "FLOAT32"), weights, const("b", bias),
        T("real", SHAPES[kind], "FLOAT32"), T("y", (1, 4) if dense else (1, 5, 6, 4), "FLOAT32"),
    ]  # fmt: skip
    before = [O(between, (1,), (3,))] if between else []
    op = O(kind, (0, 3 if between else 1, 2), (4,), OPTIONS[kind], tuple(fields.items()))
    return build(tensors, [*before, op])


def samples(kind: str) -> NDArray[np.float32]:
    shape = (5, 60) if kind == "FULLY_CONNECTED" else (5, 5, 6, 2)
    return np.random.default_rng(2).normal(size=shape).astype(np.float32)


@pytest.mark.parametrize("kind", SHAPES)
def test_hybrid_layers_compute_with_what_their_weights_stand_for(kind: str) -> None:
    axis = 3 if kind == "DEPTHWISE_CONV_2D" else 0
    hybrid = layer(kind, const("w", integers(kind), scale=SCALES, axis=axis))
    found, wanted = (
        import_bytes(m).nodes[-1] for m in (hybrid, layer(kind, const("w", reals(kind))))
    )
    assert found.op == wanted.op
    np.testing.assert_allclose(found.input(1).array, wanted.input(1).array, rtol=1e-6)


@pytest.mark.parametrize("kind", SHAPES)
def test_float16_weights_in_c(kind: str, tmp_path: Path) -> None:
    weights = const("w", reals(kind).astype(np.float16))
    assert_c_equals_litert(layer(kind, weights, "DEQUANTIZE"), [samples(kind)], tmp_path, 1e-6)


@pytest.mark.parametrize("kind", SHAPES)
def test_weights_behind_dequantize_in_c(kind: str, tmp_path: Path) -> None:
    weights = const("w", integers(kind), scale=(0.01,))
    assert_c_equals_litert(layer(kind, weights, "DEQUANTIZE"), [samples(kind)], tmp_path, 1e-6)
