"""The lowering pass: structure, ranges, rules per rounding, refusals."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from edgekit.errors import ModelError
from edgekit.ir import DType, Graph, Quant, TensorType, Value, verify
from edgekit.ir.ops import (
    RELU,
    RELU6,
    Add,
    AvgPool2D,
    Binary,
    Clamp,
    Clip,
    Concat,
    Conv2D,
    Dense,
    Dequantize,
    MaxPool2D,
    Mean,
    Mul,
    Op,
    Pad,
    QAdd,
    QAvgPool2D,
    QClip,
    QConv2D,
    QDense,
    QMaxPool2D,
    QMean,
    QRescale,
    QSoftmax,
    Quantize,
    Reshape,
    Rounding,
    Softmax,
    Window,
)
from edgekit.passes.infra import run_passes
from quantize.lower import LowerInteger
from quantize.lowering.common import RoundingName, clamp_bounds
from quantize.reference import evaluate
from quantize.requantize import quantize_multiplier

RNG = np.random.default_rng(2)


def q8(shape: tuple[int, ...], scale: float = 0.1, zero: int = 3) -> TensorType:
    layout = "NHWC" if len(shape) == 4 else ""
    return TensorType(shape, DType.INT8, layout, Quant.per_tensor(scale, zero))


def unary(op: Op, x: TensorType, y: TensorType) -> Graph:
    graph = Graph("one")
    node = graph.add_node(op, [graph.add_input("x", x)], y, name="it", outputs=["y"])
    graph.outputs = [node.output]
    graph.bind_ports()
    return graph


def weights(graph: Graph, shape: tuple[int, ...], scales: tuple[float, ...]) -> Value:
    quant = Quant(scales, (0,) * len(scales), 0 if len(scales) > 1 else None)
    data = RNG.integers(-127, 128, shape).astype(np.int8)
    return graph.constant(data, "w", TensorType(shape, DType.INT8, quant=quant))


def dense(scales: tuple[float, ...] = (0.01,), bias: Any = None, s_out: float = 0.4) -> Graph:
    graph = Graph("dense")
    x = graph.add_input("x", q8((1, 8)))
    inputs: list[Value | None] = [x, weights(graph, (4, 8), scales)]
    if bias is not None:
        inputs.append(graph.constant(np.array(bias, np.int32), "b"))
    node = graph.add_node(Dense(RELU), inputs, q8((1, 4), s_out, -128), name="fc")
    graph.outputs = [node.output]
    graph.bind_ports()
    return graph


def lower(graph: Graph, rounding: RoundingName = "litert") -> Graph:
    return run_passes(graph, [LowerInteger(rounding)])


@pytest.mark.parametrize(
    ("rounding", "rule"),
    [("litert", Rounding.FLOAT), ("tflm", Rounding.DOUBLE), ("fast", Rounding.HIGH)],
)
def test_dense_rule_per_rounding(rounding: RoundingName, rule: Rounding) -> None:
    graph = lower(dense(), rounding)
    op = graph.nodes[0].op
    assert isinstance(op, QDense)
    assert op.requant.rule is rule
    assert (op.requant.low, op.requant.high, op.requant.zero_point) == (-128, 127, -128)
    assert op.x_zero == 3


def test_tflm_multiplies_per_tensor_scales_in_float32() -> None:
    # As TFLite's GetQuantizedConvolutionMultipler; per channel the product is a double.
    x, w = float(np.float32(0.1)), float(np.float32(0.3))
    single, double = float(np.float32(x) * np.float32(w)) / 0.4, x * w / 0.4
    assert quantize_multiplier(single) != quantize_multiplier(double)
    graph = dense((w,))
    graph.set_type(graph.inputs[0], q8((1, 8), x))
    op = lower(graph, "tflm").nodes[0].op
    assert isinstance(op, QDense)
    assert (op.requant.multiplier[0], op.requant.shift[0]) == quantize_multiplier(single)


def test_missing_bias_becomes_zeros() -> None:
    graph = lower(dense())
    bias = graph.nodes[0].input(2)
    assert bias.array.tolist() == [0, 0, 0, 0]
    assert bias.type.dtype is DType.INT32


@pytest.mark.parametrize("rounding", ["litert", "tflm", "fast"])
def test_conv2d_per_channel(rounding: RoundingName) -> None:
    graph = Graph("conv")
    x = graph.add_input("x", q8((1, 4, 4, 2)))
    w = weights(graph, (3, 3, 3, 2), (0.01, 0.02, 0.03))
    op = Conv2D(Window((2, 2), (0, 0, 1, 1)), 1, "NHWC", RELU6)
    node = graph.add_node(op, [x, w], q8((1, 2, 2, 3), 0.05, -100))
    graph.outputs = [node.output]
    low = lower(graph, rounding)
    found = low.nodes[0].op
    assert isinstance(found, QConv2D)
    assert len(found.requant.multiplier) == 3
    assert found.window == op.window
    expected = Rounding.HIGH if rounding == "fast" else Rounding.DOUBLE
    assert found.requant.rule is expected
    assert low.nodes[0].output.type.range == (-100, 20)  # 6 / 0.05 = 120 steps above -100
    assert (found.requant.low, found.requant.high) == (-100, 20)


def test_fast_falls_back_to_single_for_large_scales() -> None:
    op = lower(dense(s_out=0.001), "fast").nodes[0].op
    assert isinstance(op, QDense)
    assert op.requant.rule is Rounding.SINGLE


def test_fast_stays_close_to_the_double_rounding() -> None:
    graph = dense((0.01, 0.02, 0.005, 0.001), [100, -200, 3000, 4])
    x = RNG.integers(-128, 128, (200, 8)).astype(np.int8)
    name = graph.outputs[0].name
    a, b = (evaluate(lower(graph, r), {"x": x})[name].astype(int) for r in ("fast", "tflm"))
    assert np.abs(a - b).max() <= 1
    assert (a == b).mean() > 0.95


def test_accumulators_outside_int32_are_refused() -> None:
    with pytest.raises(ModelError, match="channel 2 can leave int32"):
        lower(dense(bias=[0, 0, 2**31 - 1000, 0]))


def test_scales_beyond_any_shift_are_refused() -> None:
    with pytest.raises(ModelError, match=r"Dense 'fc': requantization scale .* outside"):
        lower(dense(s_out=1e-30))
    with pytest.raises(ModelError, match=r"Dense 'fc': requantization scale .* beyond int32"):
        lower(dense(s_out=1e-8))


def test_add_uses_twice_the_larger_scale() -> None:
    graph = Graph("add")
    a, b = graph.add_input("a", q8((1, 4), 0.5)), graph.add_input("b", q8((1, 4), 0.125, -7))
    node = graph.add_node(Add(Clamp(-1.0, 1.0)), [a, b], q8((1, 4), 0.25, 10))
    graph.outputs = [node.output]
    op = lower(graph).nodes[0].op
    assert isinstance(op, QAdd)
    assert (op.first.multiplier, op.first.shift) == (2**30, 0)  # 0.5 / 1.0
    assert (op.second.multiplier, op.second.shift, op.second.zero_point) == (2**30, -2, -7)
    assert (op.requant.low, op.requant.high) == (6, 14)
    single = lower(graph, "fast").nodes[0].op
    assert isinstance(single, QAdd)
    assert single.requant.rule is Rounding.SINGLE


@pytest.mark.parametrize(
    ("op", "x", "y", "kind"),
    [
        (MaxPool2D((2, 2), Window((2, 2)), clamp=RELU), (1, 4, 4, 2), (1, 2, 2, 2), QMaxPool2D),
        (AvgPool2D((2, 2), Window((2, 2))), (1, 4, 4, 2), (1, 2, 2, 2), QAvgPool2D),
        (Mean((1, 2), False), (1, 4, 4, 2), (1, 2), QMean),
        (Clip(RELU), (1, 4), (1, 4), QClip),
        (Reshape((1, 8)), (1, 4, 2), (1, 8), Reshape),
    ],
)
def test_operators_with_one_input(
    op: Op, x: tuple[int, ...], y: tuple[int, ...], kind: type[Op]
) -> None:
    graph = lower(unary(op, q8(x), q8(y)))
    assert [type(n.op) for n in graph.nodes] == [kind]


def test_clip_and_quantize_between_scales_become_rescales() -> None:
    for op in (Clip(RELU), Quantize()):
        graph = lower(unary(op, q8((1, 4)), q8((1, 4), 0.2, 9)))
        found = graph.nodes[0].op
        assert isinstance(found, QRescale)
        assert found.requant.low == (9 if isinstance(op, Clip) else -128)


def test_softmax_constants() -> None:
    graph = lower(unary(Softmax(1), q8((1, 4), 0.25), q8((1, 4), 1 / 256, -128)))
    # 0.25 * 2**26 = 2**24 = 2**30 * 2**(25 - 31)
    assert graph.nodes[0].op == QSoftmax(2**30, 25, -(31 * 2**26 // 2**25))


def test_pad_stores_the_zero_point() -> None:
    graph = lower(unary(Pad((0, 1), (0, 0)), q8((1, 3)), q8((1, 4))))
    x = np.array([[1, 2, 5]], np.int8)
    assert evaluate(graph, {"x": x})["y"].tolist() == [[3, 1, 2, 5]]


def test_quantize_and_dequantize_at_ports_disappear_and_bindings_stay() -> None:
    graph = Graph("ports")
    real = TensorType((1, 4), DType.FLOAT32)
    x = graph.add_input("x", real)
    q = graph.add_node(Quantize(), [x], q8((1, 4))).output
    y = graph.add_node(Clip(RELU), [q], q8((1, 4))).output
    graph.outputs = [graph.add_node(Dequantize(), [y], real, outputs=["out"]).output]
    graph.bind_ports(["out"])
    low = lower(graph)
    assert [type(n.op) for n in low.nodes] == [QClip]
    assert low.inputs[0].name == "x"
    assert low.inputs[0].type == q8((1, 4))
    assert [b.outer for b in (*low.input_bindings, *low.output_bindings)] == [real, real]
    assert low.output_bindings[0].name == "out"


def test_ranges_pass_through_moving_operators() -> None:
    graph = Graph("ranges")
    x = graph.add_input("x", q8((1, 4)))
    clipped = graph.add_node(Clip(RELU), [x], q8((1, 4))).output
    flat = graph.add_node(Reshape((1, 2, 2)), [clipped], q8((1, 2, 2))).output
    graph.outputs = [graph.add_node(Concat(1), [flat, flat], q8((1, 4, 2))).output]
    assert lower(graph).outputs[0].type.range == (3, 127)


def test_every_refused_node_is_named_with_what_to_do() -> None:
    graph = Graph("refused")
    x = graph.add_input("x", q8((1, 4)))
    product = graph.add_node(Binary("atan2"), [x, x], q8((1, 4)), name="product").output
    joined = graph.add_node(Concat(1), [product, x], q8((1, 8), 0.7), name="joined").output
    soft = graph.add_node(Softmax(0), [joined], q8((1, 8), 0.01), name="soft").output
    real = graph.add_node(Dequantize(), [soft], TensorType((1, 8), DType.FLOAT32)).output
    graph.outputs = [graph.add_node(Add(), [real, soft], real.type, name="mixed").output]
    verify(graph)
    with pytest.raises(ModelError) as caught:
        lower(graph)
    text = str(caught.value)
    for part in ("Atan2 'product'", "Concat 'joined'", "Softmax 'soft'", "Add 'mixed'"):
        assert part in text
    # An int8 model itself cannot be converted with --precision float32.
    assert "Convert the float model with --precision float32." in text
    assert "Quantize all of its operands and its result" in text


def test_float_operators_stay_between_quantize_and_dequantize() -> None:
    real = TensorType((1, 4), DType.FLOAT32)
    graph = Graph("mixed")
    x = graph.add_input("x", real)
    scaled = graph.add_node(Mul(), [x, x], real).output
    q = graph.add_node(Quantize(), [scaled], q8((1, 4))).output
    inner = graph.add_node(Clip(), [q], q8((1, 4))).output
    out = graph.add_node(Dequantize(), [inner], real).output
    graph.outputs = [graph.add_node(Softmax(1), [out], real).output]
    types = [type(n.op) for n in lower(graph).nodes]
    assert types == [Mul, Quantize, QClip, Dequantize, Softmax]


@pytest.mark.parametrize(
    ("clamp", "scale", "zero", "expected"),
    [
        (None, 0.1, 0, (-128, 127)),
        (RELU, 0.1, -128, (-128, 127)),
        (RELU6, 0.02, -128, (-128, 127)),
        (RELU6, 0.1, -128, (-128, -68)),
        (Clamp(-1.0, 1.0), 0.4, 5, (2, 8)),  # 2.5 steps round away from zero
        (Clamp(50.0, 60.0), 0.1, 0, (127, 127)),
    ],
)
def test_clamp_bounds(
    clamp: Clamp | None, scale: float, zero: int, expected: tuple[int, int]
) -> None:
    assert clamp_bounds(clamp, Quant.per_tensor(scale, zero)) == expected
