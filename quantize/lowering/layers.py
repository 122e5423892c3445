"""Rules for layers with weights: convolutions and dense layers."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from edgekit.ir import DType, Graph, Node
from edgekit.ir.ops import (
    Clamp,
    Conv2D,
    ConvTranspose,
    Dense,
    QConv2D,
    QConvTranspose,
    QDense,
    QMatMul,
    Requant,
    Rounding,
)
from quantize.lowering.common import (
    LAYOUT_HINT,
    Refused,
    RoundingName,
    output_bounds,
    scaling,
    set_range,
    tensor_scale,
    value_range,
)
from quantize.requantize import accumulator_bounds, make_requant

ACCUMULATOR_BITS = {DType.INT32: (31, "int32"), DType.INT64: (47, "48 bits")}
"""Bits of magnitude that an accumulator may use, by the type of the bias, and its name; 47 is
TFLite's limit."""


def conv2d(graph: Graph, node: Node, rounding: RoundingName) -> bool:
    """Conv2D -> QConv2D."""
    op = node.op
    assert isinstance(op, Conv2D)
    if op.layout != "NHWC":
        raise Refused(f"its layout is {op.layout}", "NHWC", LAYOUT_HINT)
    rule = Rounding.REDUCED if _bias_type(node) is DType.INT64 else scaling(rounding, node)
    requant, x_zero = _weighted(graph, node, op.clamp, rule, rounding == "onnx")
    graph.set_op(node, QConv2D(requant, x_zero, op.window, op.groups, _weights_zero(node)))
    return True


def dense(graph: Graph, node: Node, rounding: RoundingName) -> bool:
    """Dense -> QDense; the only operator in which LiteRT and TFLite Micro round differently."""
    op = node.op
    assert isinstance(op, Dense)
    rule = Rounding.REDUCED if _bias_type(node) is DType.INT64 else scaling(rounding, node)
    if rounding == "litert":
        rule = Rounding.FLOAT
    quant = node.input(1).type.quant
    # TFLite's per-tensor dense layer multiplies the two scales in float32 before going to float64.
    single = rounding == "tflm" and quant is not None and quant.is_per_tensor
    requant, x_zero = _weighted(graph, node, op.clamp, rule, single or rounding == "onnx")
    graph.set_op(node, QDense(requant, x_zero, _weights_zero(node)))
    return True


def conv_transpose(graph: Graph, node: Node, rounding: RoundingName) -> bool:
    """ConvTranspose -> QConvTranspose."""
    op = node.op
    assert isinstance(op, ConvTranspose)
    if not op.channels_last:
        raise Refused("its channels come first", "channels last", LAYOUT_HINT)
    requant, x_zero = _weighted(graph, node, op.clamp, scaling(rounding, node), rounding == "onnx")
    graph.set_op(node, QConvTranspose(requant, replace(op, clamp=None), x_zero))
    return True


def matmul(graph: Graph, node: Node, rounding: RoundingName) -> bool:
    """MatMul of two quantized tensors -> QMatMul."""
    b = node.input(1)
    if b.type.dtype is not DType.INT8:
        raise Refused(f"'{b.name}' is {b.type.dtype.value}", "int8")
    (s_a, a_zero), (s_b, b_zero) = tensor_scale(node.input(0)), tensor_scale(b)
    s_out, zero_point = tensor_scale(node.output)
    depth = b.type.shape[-2]
    bound = 255 * 255 * depth
    if bound >= 2**31:
        raise Refused(f"sums of {depth} products can leave int32")
    # TFLite multiplies the two scales in float32 before going to float64.
    scale = _product(s_a, s_b, single=True) / s_out
    requant = make_requant([scale], scaling(rounding, node), zero_point, bounds=[bound])
    graph.set_op(node, QMatMul(requant, a_zero, b_zero))
    return True


def _weighted(
    graph: Graph, node: Node, clamp: Clamp | None, rule: Rounding, product32: bool = False
) -> tuple[Requant, int]:
    """Requantization of a layer with weights, and the input's zero point; adds a missing bias."""
    x, weights = node.input(0), node.input(1)
    if weights.data is None or weights.type.dtype is not DType.INT8:
        raise Refused(f"weights '{weights.name}' are not an int8 constant")
    quant = weights.type.quant
    w_zero = _weights_zero(node)
    if quant is None or (any(quant.zero_point) and not w_zero):
        raise Refused(f"weights '{weights.name}' need scales and zero point 0")
    if quant.axis not in (None, 0):
        raise Refused(f"weights '{weights.name}' are quantized along axis {quant.axis}", "axis 0")
    wide = _bias_type(node)
    bias = _bias(graph, node, weights.type.shape[0], wide)
    (s_in, x_zero), (s_out, zero_point) = tensor_scale(x), tensor_scale(node.output)
    lowest, highest = accumulator_bounds(
        weights.data.astype(np.int16) - w_zero, bias, x_zero, value_range(x)
    )
    magnitude = np.maximum(-lowest, highest)
    limit, name = ACCUMULATOR_BITS[wide]
    if int(magnitude.max()) >= 2**limit:
        channel = int(magnitude.argmax())
        raise Refused(f"the accumulator of channel {channel} can leave {name}")
    products = [_product(s_in, s, product32) for s in quant.scale]
    bounds = magnitude if len(products) > 1 else magnitude.max(keepdims=True)
    low, high = output_bounds(node, clamp)
    requant = make_requant(
        [p / s_out for p in products], rule, zero_point, low, high, [int(b) for b in bounds]
    )
    set_range(graph, node.output, low, high)
    return requant, x_zero


def _weights_zero(node: Node) -> int:
    """Zero point of a layer's weights, where they have one for all on int8 activations."""
    quant = node.input(1).type.quant
    small = node.input(0).type.dtype is DType.INT8
    return quant.zero_point[0] if small and quant is not None and quant.is_per_tensor else 0


def _product(s_in: float, s_weights: float, single: bool) -> float:
    return float(np.float32(s_in) * np.float32(s_weights)) if single else s_in * s_weights


def _bias_type(node: Node) -> DType:
    """Type of bias and accumulator: int64 for int16 activations unless the bias says int32."""
    bias = node.optional_input(2)
    if node.input(0).type.dtype is DType.INT8:
        return DType.INT32
    return DType.INT64 if bias is None else bias.type.dtype


def _bias(graph: Graph, node: Node, channels: int, dtype: DType) -> NDArray[Any]:
    bias = node.optional_input(2)
    if bias is None:
        bias = graph.constant(np.zeros(channels, dtype.numpy), f"{node.name}_bias")
        graph.set_input(node, 2, bias)
    if bias.data is None or bias.type.dtype is not dtype or dtype not in ACCUMULATOR_BITS:
        raise Refused(f"bias '{bias.name}' is not an {dtype.value} constant", "int32, int64")
    return bias.data
