"""Single operators against LiteRT's reference kernels: odd sizes, strides, dilations, scales."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from tests.differential.litert import assert_equal_to_litert, samples
from tests.tflite_builder import (
    NONE,
    RELU,
    RELU6,
    RELU_N1_TO_1,
    SAME,
    VALID,
    O,
    T,
    build,
    const,
    q8,
)

CHECKS = settings(
    max_examples=40, deadline=None, derandomize=True, suppress_health_check=[HealthCheck.too_slow]
)
activations = st.sampled_from([NONE, RELU, RELU6, RELU_N1_TO_1])
zero_points = st.sampled_from([-128, 127, 0]) | st.integers(-128, 127)
scales = st.floats(-9, 1).map(lambda e: float(np.float32(2.0**e)))


@dataclass(frozen=True)
class Window:
    """A spatial operator's drawn geometry."""

    size: tuple[int, int]
    kernel: tuple[int, int]
    strides: tuple[int, int]
    dilations: tuple[int, int]
    padding: int

    def output(self) -> tuple[int, int]:
        """Output size by TFLite's rule for SAME and VALID."""
        out = []
        for n, k, s, d in zip(self.size, self.kernel, self.strides, self.dilations, strict=True):
            reach = (k - 1) * d + 1
            out.append(-(-n // s) if self.padding == SAME else -(-(n - reach + 1) // s))
        return out[0], out[1]

    def fields(self, dilated: bool = True) -> tuple[tuple[str, Any], ...]:
        """Options of the file."""
        fields = [("padding", self.padding), ("strideH", self.strides[0])]
        fields.append(("strideW", self.strides[1]))
        if dilated:
            fields.append(("dilationHFactor", self.dilations[0]))
            fields.append(("dilationWFactor", self.dilations[1]))
        return tuple(fields)


@st.composite
def windows(draw: st.DrawFn, dilated: bool = True) -> Window:
    kernel = (draw(st.integers(1, 4)), draw(st.integers(1, 4)))
    dilations = (draw(st.integers(1, 2)), draw(st.integers(1, 3))) if dilated else (1, 1)
    strides = (draw(st.integers(1, 3)), draw(st.integers(1, 3)))
    size = tuple(
        draw(st.integers((k - 1) * d + 1, (k - 1) * d + 6))
        for k, d in zip(kernel, dilations, strict=True)
    )
    return Window(
        (size[0], size[1]), kernel, strides, dilations, draw(st.sampled_from([SAME, VALID]))
    )


@st.composite
def filters(draw: st.DrawFn, channels: int, taps: int, s_in: float) -> tuple[float, ...]:
    """Weight scales, one or one per channel, that make use of the output's range."""
    count = draw(st.sampled_from([1, channels]))
    exponents = draw(st.lists(st.floats(-6, -1), min_size=count, max_size=count))
    return tuple(float(np.float32(2.0**e / s_in / max(taps, 1))) for e in exponents)


def weights(rng: np.random.Generator, shape: tuple[int, ...]) -> NDArray[np.int8]:
    return rng.integers(-127, 128, shape, dtype=np.int8)


def bias(rng: np.random.Generator, count: int) -> NDArray[np.int32]:
    return rng.integers(-(2**14), 2**14, count, dtype=np.int32)


def bias_scales(s_in: float, s_weights: tuple[float, ...]) -> tuple[float, ...]:
    return tuple(float(np.float32(s_in) * np.float32(s)) for s in s_weights)


@CHECKS
@given(st.data(), windows(), zero_points, zero_points, scales, activations)
def test_conv_2d(
    data: st.DataObject, window: Window, z_in: int, z_out: int, s_in: float, act: int
) -> None:
    groups = data.draw(st.sampled_from([1, 1, 2, 3]))
    channels, outputs = data.draw(st.integers(1, 5)), groups * data.draw(st.integers(1, 3))
    s_w = data.draw(filters(outputs, channels * window.kernel[0] * window.kernel[1], s_in))
    rng = np.random.default_rng(data.draw(st.integers(0, 2**16)))
    shape = (1, *window.size, groups * channels)
    tensors = [
        q8("x", shape, s_in, z_in),
        const("w", weights(rng, (outputs, *window.kernel, channels)), scale=s_w),
        const("b", bias(rng, outputs), scale=bias_scales(s_in, s_w)),
        q8("y", (1, *window.output(), outputs), 1.0, z_out),
    ]
    fields = (*window.fields(), ("fusedActivationFunction", act))
    model = build(tensors, [O("CONV_2D", (0, 1, 2), (3,), "Conv2DOptions", fields)])
    assert_equal_to_litert(model, [samples(shape, 4, 1)])


@CHECKS
@given(st.data(), windows(), st.integers(1, 3), zero_points, zero_points, scales, activations)
def test_depthwise_conv_2d(
    data: st.DataObject,
    window: Window,
    multiplier: int,
    z_in: int,
    z_out: int,
    s_in: float,
    act: int,
) -> None:
    if window.strides[0] != window.strides[1] and window.dilations != (1, 1):
        window = Window(window.size, window.kernel, (1, 1), window.dilations, window.padding)
    channels = data.draw(st.integers(1, 4))
    outputs = channels * multiplier
    s_w = data.draw(filters(outputs, window.kernel[0] * window.kernel[1], s_in))
    rng = np.random.default_rng(data.draw(st.integers(0, 2**16)))
    shape = (1, *window.size, channels)
    tensors = [
        q8("x", shape, s_in, z_in),
        const("w", weights(rng, (1, *window.kernel, outputs)), scale=s_w, axis=3),
        const("b", bias(rng, outputs), scale=bias_scales(s_in, s_w)),
        q8("y", (1, *window.output(), outputs), 1.0, z_out),
    ]
    fields = (
        *window.fields(),
        ("depthMultiplier", multiplier),
        ("fusedActivationFunction", act),
    )
    op = O("DEPTHWISE_CONV_2D", (0, 1, 2), (3,), "DepthwiseConv2DOptions", fields)
    assert_equal_to_litert(build(tensors, [op]), [samples(shape, 4, 2)])


@CHECKS
@given(st.data(), zero_points, zero_points, scales, activations, st.booleans(), st.booleans())
def test_fully_connected(
    data: st.DataObject, z_in: int, z_out: int, s_in: float, act: int, biased: bool, keep: bool
) -> None:
    rows, depth, outputs = (data.draw(st.integers(1, n)) for n in (3, 9, 6))
    s_w = data.draw(filters(outputs, depth, s_in))
    rng = np.random.default_rng(data.draw(st.integers(0, 2**16)))
    shape = (1, rows, depth)
    tensors = [
        q8("x", shape, s_in, z_in),
        const("w", weights(rng, (outputs, depth)), scale=s_w),
        const("b", bias(rng, outputs), scale=bias_scales(s_in, s_w)),
        q8("y", (1, rows, outputs) if keep else (rows, outputs), 1.0, z_out),
    ]
    fields = (("fusedActivationFunction", act), ("keepNumDims", keep))
    inputs = (0, 1, 2) if biased else (0, 1, -1)
    op = O("FULLY_CONNECTED", inputs, (3,), "FullyConnectedOptions", fields)
    assert_equal_to_litert(build(tensors, [op]), [samples(shape, 8, 3)])


@CHECKS
@given(
    st.sampled_from(["ADD", "SUB"]),
    st.sampled_from([(1, 3, 5, 2), (1, 1, 1, 2), (1, 1, 1, 1), (1, 3, 1, 2)]),
    st.lists(zero_points, min_size=3, max_size=3),
    st.lists(scales, min_size=2, max_size=2),
    st.floats(-2, 3),
    activations,
)
def test_add_and_sub_with_broadcasting(
    kind: str,
    second: tuple[int, ...],
    zeros: list[int],
    inputs: list[float],
    ratio: float,
    act: int,
) -> None:
    shape = (1, 3, 5, 2)
    s_out = max(inputs) * 2.0**ratio
    tensors = [
        q8("a", shape, inputs[0], zeros[0]),
        q8("b", second, inputs[1], zeros[1]),
        q8("y", shape, s_out, zeros[2]),
    ]
    options = f"{kind.title()}Options"
    op = O(kind, (0, 1), (2,), options, (("fusedActivationFunction", act),))
    x = [samples(shape, 16, 4), samples(second, 16, 5)]
    assert_equal_to_litert(build(tensors, [op], (0, 1)), x)


@CHECKS
@given(
    st.sampled_from(["MAX_POOL_2D", "AVERAGE_POOL_2D"]),
    windows(dilated=False),
    zero_points,
    scales,
    activations,
)
def test_pooling(kind: str, window: Window, zero: int, scale: float, act: int) -> None:
    shape = (1, *window.size, 3)
    tensors = [q8("x", shape, scale, zero), q8("y", (1, *window.output(), 3), scale, zero)]
    fields = (
        *window.fields(dilated=False),
        ("filterHeight", window.kernel[0]),
        ("filterWidth", window.kernel[1]),
        ("fusedActivationFunction", act),
    )
    model = build(tensors, [O(kind, (0,), (1,), "Pool2DOptions", fields)])
    assert_equal_to_litert(model, [samples(shape, 8, 6)])


@CHECKS
@given(
    st.sampled_from([(1, 2), (2,), (1, 2, 3), (-1,), (3, 1)]),
    st.booleans(),
    zero_points,
    zero_points,
    scales,
    st.floats(-2, 2),
)
def test_mean(
    axes: tuple[int, ...], keep: bool, z_in: int, z_out: int, s_in: float, ratio: float
) -> None:
    shape = (1, 7, 5, 3)
    dropped = {a % 4 for a in axes}
    out = tuple(1 if i in dropped else n for i, n in enumerate(shape) if keep or i not in dropped)
    tensors = [
        q8("x", shape, s_in, z_in),
        const("axes", np.array(axes, np.int32)),
        q8("y", out, s_in * 2.0**ratio, z_out),
    ]
    op = O("MEAN", (0, 1), (2,), "ReducerOptions", (("keepDims", keep),))
    assert_equal_to_litert(build(tensors, [op]), [samples(shape, 16, 7)])


@CHECKS
@given(st.integers(1, 40), zero_points, scales, st.sampled_from([1.0, 0.5, 2.0, 8.0]))
def test_softmax(classes: int, zero: int, scale: float, beta: float) -> None:
    shape = (1, classes)
    tensors = [q8("x", shape, scale, zero), q8("y", shape, 1 / 256, -128)]
    model = build(tensors, [O("SOFTMAX", (0,), (1,), "SoftmaxOptions", (("beta", beta),))])
    assert_equal_to_litert(model, [samples(shape, 50, 8)])


@pytest.mark.parametrize("scale", [1e-6, 1e-4, 0.05, 1.0, 30.0])
def test_softmax_over_every_difference(scale: float) -> None:
    # Two classes whose difference takes every value from 0 to 255.
    shape = (1, 2)
    tensors = [q8("x", shape, scale, 5), q8("y", shape, 1 / 256, -128)]
    model = build(tensors, [O("SOFTMAX", (0,), (1,), "SoftmaxOptions", (("beta", 1.0),))])
    x = np.stack([np.full(256, -128), np.arange(-128, 128)], axis=1).astype(np.int8)
    assert_equal_to_litert(model, [x])


@CHECKS
@given(
    st.sampled_from(["RELU", "RELU6", "QUANTIZE"]),
    st.lists(zero_points, min_size=2, max_size=2),
    scales,
    st.floats(-3, 3) | st.just(0.0),
)
def test_rescaling_unary_operators(kind: str, zeros: list[int], s_in: float, ratio: float) -> None:
    shape = (1, 256)
    tensors = [q8("x", shape, s_in, zeros[0]), q8("y", shape, s_in * 2.0**ratio, zeros[1])]
    x = np.arange(-128, 128).astype(np.int8).reshape(1, 256)
    assert_equal_to_litert(build(tensors, [O(kind, (0,), (1,))]), [x])


def test_pad_transpose_reshape_and_concatenation_move_elements() -> None:
    quant: dict[str, Any] = {"scale": (0.3,), "zero": (-7,)}
    tensors = [
        T("x", (1, 3, 4, 2), **quant),
        const("sides", np.array([[0, 0], [1, 0], [2, 1], [0, 0]], np.int32)),
        T("padded", (1, 4, 7, 2), **quant),
        const("perm", np.array([0, 3, 1, 2], np.int32)),
        T("turned", (1, 2, 4, 7), **quant),
        const("shape", np.array([1, 2, 28], np.int32)),
        T("flat", (1, 2, 28), **quant),
        T("joined", (1, 2, 56), **quant),
    ]
    operators = [
        O("PAD", (0, 1), (2,), "PadOptions"),
        O("TRANSPOSE", (2, 3), (4,), "TransposeOptions"),
        O("RESHAPE", (4, 5), (6,), "ReshapeOptions", (("newShape", [1, 2, 28]),)),
        O("CONCATENATION", (6, 6), (7,), "ConcatenationOptions", (("axis", -1),)),
    ]
    assert_equal_to_litert(build(tensors, operators), [samples((1, 3, 4, 2), 6, 9)])
