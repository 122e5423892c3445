"""Integer operators that round the real result once: generated C equals the reference, and the
reference equals the real arithmetic."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from edgekit.ir import DType, Graph, Quant, TensorType
from edgekit.ir.ops import AvgPool2D, Mul, Op, QDense, Rounding, Softmax, Unary, Window
from quantize.lower import LowerInteger
from quantize.lowering.common import RoundingName
from quantize.requantize import make_requant
from tests.codegen.batch import BOTH, Compiled, compile_all
from tests.codegen.graphs import int8, single

EVERY = np.arange(-128, 128, dtype=np.int8)


def q8(shape: tuple[int, ...], scale: float, zero: int) -> TensorType:
    return TensorType(shape, DType.INT8, "", Quant.per_tensor(float(np.float32(scale)), zero))


def lowered(
    op: Op, inputs: list[TensorType], scale: float, zero: int, rounding: RoundingName = "onnx"
) -> Graph:
    graph = single(op, inputs)
    graph.set_type(graph.outputs[0], q8(graph.outputs[0].type.shape, scale, zero))
    LowerInteger(rounding).run(graph)
    return graph


def real(x: NDArray[np.int8], type: TensorType) -> NDArray[np.float64]:
    assert type.quant is not None
    return (x.astype(np.float64) - type.quant.zero_point[0]) * type.quant.scale[0]


def steps(case: Compiled, arrays: list[Any], wanted: NDArray[np.float64]) -> float:
    """Largest distance of the compiled code from the real result, in output steps."""
    case.check(arrays)
    found, type = case.run(arrays)[0], case.graph.outputs[0].type
    assert type.quant is not None
    low, high = (real(np.array([q], np.int8), type)[0] for q in (-128, 127))
    return float(np.abs(real(found, type) - np.clip(wanted, low, high)).max() / type.quant.scale[0])


@pytest.mark.parametrize("tool", BOTH)
def test_products(tool: str) -> None:
    a, b = np.meshgrid(EVERY, EVERY)
    pairs = [np.ascontiguousarray(m.reshape(1, 256, 256)) for m in (a, b)]
    types = [q8((1, 256, 256), 0.043, 7), q8((1, 256, 256), 0.012, -128)]
    (case,) = compile_all([lowered(Mul(), types, 0.031, -20)], tool)
    assert steps(case, pairs, real(pairs[0], types[0]) * real(pairs[1], types[1])) < 0.5001
    column = q8((1, 256, 1), 0.043, 7)
    (case,) = compile_all([lowered(Mul(), [types[0], column], 0.031, -20, "litert")], tool)
    case.check([pairs[0], EVERY.reshape(1, 256, 1)])


@pytest.mark.parametrize("function", ["tanh", "sigmoid", "exp", "abs"])
def test_functions_of_one_element(function: str) -> None:
    x = q8((1, 256), 0.05, 11)
    cases = compile_all([lowered(Unary(function), [x], 1 / 128, 0, r) for r in ("onnx", "tflm")])
    values = real(EVERY[None], x)
    wanted = {
        "tanh": np.tanh(values), "sigmoid": 1 / (1 + np.exp(-values)), "exp": np.exp(values),
        "abs": np.abs(values),
    }[function]  # fmt: skip
    for case in cases:
        assert steps(case, [EVERY[None]], wanted) < 0.5001


def test_means_over_windows() -> None:
    rng = np.random.default_rng(3)
    x = q8((1, 5, 6, 3), 0.02, -9)
    windows = [Window(), Window((2, 2), (1, 1, 1, 1)), Window((1, 2), (0, 1, 2, 1))]
    ops = [
        AvgPool2D((3, 2), w, "NHWC", None, include) for w in windows for include in (False, True)
    ]
    data = rng.integers(-128, 128, (1, 5, 6, 3), dtype=np.int8)
    for op, case in zip(ops, compile_all([lowered(op, [x], 0.017, 4) for op in ops]), strict=True):
        case.check([data])
        top, left, bottom, right = op.window.padding
        padded = np.pad(real(data, x), ((0, 0), (top, bottom), (left, right), (0, 0)))
        inside = np.pad(np.ones((1, 5, 6, 3)), ((0, 0), (top, bottom), (left, right), (0, 0)))
        views = [np.lib.stride_tricks.sliding_window_view(t, (3, 2), (1, 2)).sum((-1, -2))
                 for t in (padded, inside)]  # fmt: skip
        rows, columns = op.window.strides
        total, count = (v[:, ::rows, ::columns] for v in views)
        wanted = total / (6 if op.include_pad else count)
        assert steps(case, [data], wanted) < 0.5001


@pytest.mark.parametrize("tool", BOTH)
def test_softmax_of_every_pair(tool: str) -> None:
    a, b = np.meshgrid(EVERY, EVERY)
    pairs = np.stack([a, b], axis=-1).reshape(1, 65536, 2)
    for scale, out in ((0.1, 1 / 255), (0.02, 1 / 256), (1.3, 0.0031)):
        x = q8((1, 65536, 2), scale, 3)
        (case,) = compile_all([lowered(Softmax(2), [x], out, -128)], tool)
        powers = np.exp(real(pairs, x))
        wanted = powers / powers.sum(axis=-1, keepdims=True)
        assert steps(case, [pairs], wanted) < 0.501


def test_softmax_of_long_rows() -> None:
    data = np.random.default_rng(1).integers(-128, 128, (2, 5000), dtype=np.int8)
    x = q8((2, 5000), 0.05, 0)
    (case,) = compile_all([lowered(Softmax(1), [x], 1 / 4096, -128)])
    powers = np.exp(real(data, x))
    assert steps(case, [data], powers / powers.sum(axis=-1, keepdims=True)) < 0.51


def test_dense_layers_with_a_zero_point_of_the_weights() -> None:
    rng = np.random.default_rng(2)
    graphs = []
    for depth, outputs, zero in ((1, 1, 5), (33, 7, -128), (16, 4, 127)):
        weights = rng.integers(-128, 128, (outputs, depth), dtype=np.int8)
        bias = rng.integers(-3000, 3000, outputs).astype(np.int32)
        op = QDense(make_requant([0.002], Rounding.EVEN, 3), -7, zero)
        graphs.append(single(op, [int8(1, depth), weights, bias]))
    for case in compile_all(graphs):
        case.check_samples()
        x = rng.integers(-128, 128, case.graph.inputs[0].type.shape, dtype=np.int8)
        node = case.graph.nodes[0]
        assert isinstance(node.op, QDense)
        centred = node.input(1).array.astype(np.int64) - node.op.w_zero
        acc = (x.astype(np.int64) + 7) @ centred.T + node.input(2).array
        wanted = np.clip(np.rint(acc * np.float32(0.002)) + 3, -128, 127)
        np.testing.assert_array_equal(case.run([x])[0], wanted)
