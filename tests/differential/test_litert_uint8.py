"""uint8 models, whose weights have zero points, against LiteRT's reference kernels, in C."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from tests.differential.litert import assert_c_equals_litert, import_bytes
from tests.tflite_builder import NONE, RELU6, SAME, VALID, O, T, build, const

SCALE, SHAPE = 0.05, (1, 5, 6, 3)
LAYERS = {
    "CONV_2D": ((4, 3, 2, 3), (1, 5, 6, 4), "Conv2DOptions"),
    "DEPTHWISE_CONV_2D": ((1, 3, 2, 6), (1, 5, 6, 6), "DepthwiseConv2DOptions"),
    "FULLY_CONNECTED": ((5, 90), (1, 5), "FullyConnectedOptions"),
}


def u8(name: str, shape: tuple[int, ...], scale: float = SCALE, zero: int = 120) -> T:
    """A uint8 activation."""
    return T(name, shape, "UINT8", (scale,), (zero,))


def samples(shape: tuple[int, ...], seed: int = 1, count: int = 8) -> NDArray[np.uint8]:
    rng = np.random.default_rng(seed)
    x = rng.integers(0, 256, (count, *shape[1:]), dtype=np.uint8)
    x[0], x[-1] = 0, 255
    return x


def layer(kind: str, w_zero: int, x_zero: int, act: int, out: float) -> bytes:
    shape, result, table = LAYERS[kind]
    rng = np.random.default_rng(w_zero)
    dense = kind == "FULLY_CONNECTED"
    fields: dict[str, Any] = {"fusedActivationFunction": act}
    if not dense:
        fields |= {"padding": SAME, "strideH": 1, "strideW": 1}
        fields |= {"dilationHFactor": 1, "dilationWFactor": 1}
    if kind == "DEPTHWISE_CONV_2D":
        fields["depthMultiplier"] = 2
    weights = rng.integers(0, 256, shape).astype(np.uint8)
    bias = rng.integers(-(2**13), 2**13, result[-1]).astype(np.int32)
    tensors = [
        u8("x", (1, 90) if dense else SHAPE, SCALE, x_zero),
        const("w", weights, scale=(0.007,), zero=(w_zero,)),
        const("b", bias, scale=(SCALE * 0.007,)),
        u8("y", result, out, 130),
    ]
    return build(tensors, [O(kind, (0, 1, 2), (3,), table, tuple(fields.items()))])


@pytest.mark.parametrize("kind", LAYERS)
@pytest.mark.parametrize(
    ("w_zero", "x_zero", "act"), [(128, 128, NONE), (151, 3, NONE), (0, 255, RELU6), (255, 120, 1)]
)
def test_layers(kind: str, w_zero: int, x_zero: int, act: int, tmp_path: Path) -> None:
    shape = (1, 90) if kind == "FULLY_CONNECTED" else SHAPE
    assert_c_equals_litert(layer(kind, w_zero, x_zero, act, 0.11), [samples(shape)], tmp_path)


@pytest.mark.parametrize("padding", [SAME, VALID])
@pytest.mark.parametrize("kind", ["AVERAGE_POOL_2D", "MAX_POOL_2D"])
def test_pooling(kind: str, padding: int, tmp_path: Path) -> None:
    out = (1, 5, 6, 3) if padding == SAME else (1, 3, 5, 3)
    fields = (
        ("padding", padding), ("strideH", 1), ("strideW", 1), ("filterHeight", 3),
        ("filterWidth", 2),
    )  # fmt: skip
    model = build([u8("x", SHAPE), u8("y", out)], [O(kind, (0,), (1,), "Pool2DOptions", fields)])
    assert_c_equals_litert(model, [samples(SHAPE, count=40)], tmp_path)


def test_sums_and_softmax(tmp_path: Path) -> None:
    tensors = [
        u8("a", (1, 12)), u8("b", (1, 12), 0.02, 7), u8("sum", (1, 12), 0.06, 99),
        u8("y", (1, 12), 1 / 256, 0),
    ]  # fmt: skip
    operators = [
        O("ADD", (0, 1), (2,), "AddOptions"),
        O("SOFTMAX", (2,), (3,), "SoftmaxOptions", (("beta", 1.0),)),
    ]
    model = build(tensors, operators, (0, 1), (2, 3))
    x = [samples((1, 12), seed, 30) for seed in (1, 2)]
    assert_c_equals_litert(model, x, tmp_path)


def test_moving_and_mean(tmp_path: Path) -> None:
    tensors = [
        u8("x", SHAPE), const("sides", np.array([[0, 0], [1, 0], [2, 1], [0, 0]], np.int32)),
        u8("padded", (1, 6, 9, 3)), const("axes", np.array([1, 2], np.int32)),
        u8("y", (1, 3), 0.03, 60), u8("joined", (1, 6, 9, 6)),
    ]  # fmt: skip
    operators = [
        O("PAD", (0, 1), (2,), "PadOptions"),
        O("MEAN", (2, 3), (4,), "ReducerOptions", (("keepDims", False),)),
        O("CONCATENATION", (2, 2), (5,), "ConcatenationOptions", (("axis", 3),)),
    ]
    model = build(tensors, operators, outputs=(4, 5))
    assert_c_equals_litert(model, [samples(SHAPE)], tmp_path)


@pytest.mark.parametrize(
    ("source", "result"), [("UINT8", "INT8"), ("INT8", "UINT8"), ("UINT8", "UINT8")]
)
@pytest.mark.parametrize("ratio", [0.4, 1.0])
def test_changes_of_type(source: str, result: str, ratio: float, tmp_path: Path) -> None:
    zero = {"UINT8": (120,), "INT8": (-11,)}
    tensors = [
        T("x", (1, 256), source, (SCALE,), zero[source]),
        T("y", (1, 256), result, (SCALE * ratio,), zero[result]),
        T("z", (1, 256), "FLOAT32"),
    ]
    operators = [O("QUANTIZE", (0,), (1,)), O("DEQUANTIZE", (1,), (2,))]
    x = np.arange(256).astype(source.lower()).reshape(1, 256)
    assert_c_equals_litert(build(tensors, operators, outputs=(1, 2)), [x], tmp_path, 1e-7)


def test_what_the_graph_holds() -> None:
    graph = import_bytes(layer("CONV_2D", 151, 3, NONE, 0.11))
    assert [v.type.dtype.value for v in (*graph.inputs, *graph.outputs)] == ["uint8", "uint8"]
    conv = next(n for n in graph.nodes if n.op.name == "Conv2D")
    points = [v.type.quant.zero_point for v in conv.inputs if v is not None and v.type.quant]
    assert points == [(-125,), (23,)]
