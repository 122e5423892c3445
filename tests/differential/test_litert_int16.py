"""int16 activations with int8 weights against LiteRT's reference kernels, in numpy and in C."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from edgekit.errors import ModelError
from tests.differential.litert import assert_c_equals_litert, assert_equal_to_litert, import_bytes
from tests.tflite_builder import NONE, RELU, RELU6, SAME, O, T, build, const

CHECKS = settings(
    max_examples=20, deadline=None, derandomize=True, suppress_health_check=[HealthCheck.too_slow]
)
SCALE = 3e-4
activations = st.sampled_from([NONE, RELU, RELU6])


def q16(name: str, shape: tuple[int, ...], scale: float = SCALE) -> T:
    """An int16 activation."""
    return T(name, shape, "INT16", (scale,), (0,))


def samples(shape: tuple[int, ...], seed: int, count: int = 6) -> NDArray[np.int16]:
    """Random int16 samples, the extremes among them."""
    rng = np.random.default_rng(seed)
    x = rng.integers(-(2**15), 2**15, (count, *shape[1:]), dtype=np.int16)
    x[0], x[-1] = -(2**15), 2**15 - 1
    return x


def layer(kind: str, seed: int, act: int, bias: str = "int64", out: float = 0.02) -> bytes:
    """A convolution, depthwise convolution or dense layer over a (1, 5, 6, 3) input."""
    rng = np.random.default_rng(seed)
    outputs = {"CONV_2D": 4, "DEPTHWISE_CONV_2D": 6, "FULLY_CONNECTED": 5}[kind]
    shapes = {
        "CONV_2D": (4, 3, 2, 3), "DEPTHWISE_CONV_2D": (1, 3, 2, 6), "FULLY_CONNECTED": (5, 90),
    }  # fmt: skip
    result = (1, outputs) if kind == "FULLY_CONNECTED" else (1, 3, 6, outputs)
    scales = tuple(float(s) for s in rng.uniform(1e-3, 4e-2, outputs))
    biases = tuple(SCALE * s for s in scales)
    fields: dict[str, Any] = {"fusedActivationFunction": act}
    if kind != "FULLY_CONNECTED":
        fields |= {"padding": SAME, "strideH": 2, "strideW": 1, "dilationHFactor": 1}
        fields["dilationWFactor"] = 2 if kind == "CONV_2D" else 1
    if kind == "DEPTHWISE_CONV_2D":
        fields |= {"depthMultiplier": 2, "strideH": 1, "strideW": 1}
        result = (1, 5, 6, outputs)
    elif bias == "int32":
        fields["quantizedBiasType"] = 2
    weights = rng.integers(-127, 128, shapes[kind], dtype=np.int8)
    axis = 3 if kind == "DEPTHWISE_CONV_2D" else 0
    tensors = [
        q16("x", (1, 90) if kind == "FULLY_CONNECTED" else (1, 5, 6, 3)),
        const("w", weights, scale=scales, axis=axis),
        const("b", rng.integers(-(2**20), 2**20, outputs).astype(bias), scale=biases),
        q16("y", result, out),
    ]
    options = {"CONV_2D": "Conv2DOptions", "DEPTHWISE_CONV_2D": "DepthwiseConv2DOptions"}
    name = options.get(kind, "FullyConnectedOptions")
    return build(tensors, [O(kind, (0, 1, 2), (3,), name, tuple(fields.items()))])


def shape_of(kind: str) -> tuple[int, ...]:
    return (1, 90) if kind == "FULLY_CONNECTED" else (1, 5, 6, 3)


LAYERS = ["CONV_2D", "DEPTHWISE_CONV_2D", "FULLY_CONNECTED"]


@CHECKS
@given(st.sampled_from(LAYERS), st.integers(0, 2**16), activations, st.floats(-9, -3))
def test_layers(kind: str, seed: int, act: int, out: float) -> None:
    assert_equal_to_litert(layer(kind, seed, act, out=2.0**out), [samples(shape_of(kind), seed)])


@pytest.mark.parametrize("kind", ["CONV_2D", "FULLY_CONNECTED"])
def test_layers_with_int32_bias(kind: str) -> None:
    assert_equal_to_litert(layer(kind, 5, NONE, "int32"), [samples(shape_of(kind), 5)])


@pytest.mark.parametrize("kind", LAYERS)
@pytest.mark.parametrize("bias", ["int64", "int32"])
def test_layers_in_c(kind: str, bias: str, tmp_path: Path) -> None:
    if kind == "DEPTHWISE_CONV_2D" and bias == "int32":
        bias = "int64"  # the only one that LiteRT takes
    model = layer(kind, 7, RELU, bias)
    assert_c_equals_litert(model, [samples(shape_of(kind), 7)], tmp_path)


def sum_of(kind: str, second: tuple[int, ...], scales: list[float], act: int) -> bytes:
    tensors = [
        q16("a", (1, 3, 5, 2), scales[0]), q16("b", second, scales[1]),
        q16("y", (1, 3, 5, 2), scales[2]),
    ]  # fmt: skip
    fields = (("fusedActivationFunction", act), ("potScaleInt16", False))
    return build(tensors, [O(kind, (0, 1), (2,), f"{kind.title()}Options", fields)], (0, 1))


@CHECKS
@given(
    st.sampled_from(["ADD", "SUB"]),
    st.sampled_from([(1, 3, 5, 2), (1, 1, 1, 2), (1, 3, 1, 2)]),
    st.lists(st.floats(1e-4, 1e-2), min_size=2, max_size=2),
    st.floats(-2, 3),
    activations,
)
def test_sums(
    kind: str, second: tuple[int, ...], inputs: list[float], ratio: float, act: int
) -> None:
    model = sum_of(kind, second, [*inputs, max(inputs) * 2.0**ratio], act)
    assert_equal_to_litert(model, [samples((1, 3, 5, 2), 4), samples(second, 5)])


def test_sum_in_c(tmp_path: Path) -> None:
    model = sum_of("SUB", (1, 1, 1, 2), [3e-4, 1e-3, 7e-4], RELU6)
    x = [samples((1, 3, 5, 2), 4), samples((1, 1, 1, 2), 5)]
    assert_c_equals_litert(model, x, tmp_path)


@pytest.mark.parametrize(
    ("source", "result"),
    [("INT16", "INT16"), ("INT8", "INT16"), ("INT16", "INT8"), ("FLOAT32", "INT16")],
)
@pytest.mark.parametrize("ratio", [0.3, 1.0, 2.7])
def test_changes_of_type_in_c(source: str, result: str, ratio: float, tmp_path: Path) -> None:
    quant = {"INT16": (0,), "INT8": (5,)}
    x = np.random.default_rng(3).integers(-(2**15), 2**15, (9, 40)).astype(source.lower())
    if source == "FLOAT32":
        x = (x * np.float32(SCALE)).astype(np.float32)
    scale = () if source == "FLOAT32" else (SCALE,)
    tensors = [
        T("x", (1, 40), source, scale, quant.get(source, ())),
        T("y", (1, 40), result, (SCALE * ratio,), quant[result]),
        T("z", (1, 40), "FLOAT32"),
    ]
    operators = [O("QUANTIZE", (0,), (1,)), O("DEQUANTIZE", (1,), (2,))]
    model = build(tensors, operators, outputs=(1, 2))
    assert_c_equals_litert(model, [x], tmp_path, 1e-7)


def test_moving_operators_and_clips_in_c(tmp_path: Path) -> None:
    tensors = [
        q16("x", (1, 3, 4, 2)),
        const("sides", np.array([[0, 0], [1, 0], [2, 1], [0, 0]], np.int32)),
        q16("padded", (1, 4, 7, 2)), q16("cut", (1, 4, 7, 2)), q16("joined", (1, 4, 7, 4)),
    ]  # fmt: skip
    operators = [
        O("PAD", (0, 1), (2,), "PadOptions"),
        O("RELU", (2,), (3,)),
        O("CONCATENATION", (2, 3), (4,), "ConcatenationOptions", (("axis", -1),)),
    ]
    assert_c_equals_litert(build(tensors, operators), [samples((1, 3, 4, 2), 8)], tmp_path)


def test_a_zero_point_is_refused() -> None:
    x = T("x", (1, 4), "INT16", (SCALE,), (3,))
    with pytest.raises(ModelError, match="zero point 3, which int16 must not have"):
        import_bytes(build([x, q16("y", (1, 4))], [O("RELU", (0,), (1,))]))


def test_power_of_two_scales_are_refused_where_tflite_shifts() -> None:
    tensors = [q16(n, (1, 4), 2.0**-e) for n, e in zip("aby", (12, 13, 12), strict=True)]
    model = build(tensors, [O("ADD", (0, 1), (2,), "AddOptions")], (0, 1))
    with pytest.raises(ModelError, match="power-of-two scales"):
        import_bytes(model)
