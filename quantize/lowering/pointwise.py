"""Rules for element-wise operators, pooling, the mean and softmax."""

from __future__ import annotations

import math
from dataclasses import replace

from edgekit.ir import DType, Graph, Node
from edgekit.ir.ops import (
    Add,
    AvgPool2D,
    Clip,
    MaxPool2D,
    Mean,
    QAdd,
    QAvgPool2D,
    QClip,
    QMaxPool2D,
    QMean,
    QRescale,
    QSoftmax,
    Quantize,
    Requant,
    Rescale,
    Rounding,
    Softmax,
    Sub,
)
from edgekit.passes.fold_qdq import SOFTMAX_QUANT
from edgekit.passes.rewrite import append
from quantize.lowering import exact
from quantize.lowering.common import (
    LAYOUT_HINT,
    Refused,
    RoundingName,
    clipped,
    output_bounds,
    require_same_scale,
    scaling,
    set_range,
    tensor_scale,
    value_range,
)
from quantize.lowering.moving import set_mean
from quantize.requantize import check_scale, make_requant, quantize_multiplier

ADD_LEFT_SHIFT = {DType.INT8: 20, DType.INT16: 15}
SOFTMAX_INTEGER_BITS = 5
SOFTMAX_MAX_DEPTH = 4095
"""The sum of exponentials is a Q12.19 number: so many ones fit."""


def add(graph: Graph, node: Node, rounding: RoundingName) -> bool:
    """Add, Sub -> QAdd; the second multiplier of a difference is negative."""
    op = node.op
    assert isinstance(op, Add | Sub)
    (s_a, z_a), (s_b, z_b), (s_out, zero_point) = (
        tensor_scale(v) for v in (node.input(0), node.input(1), node.output)
    )
    twice = 2 * max(s_a, s_b)
    (m_a, e_a), (m_b, e_b) = (quantize_multiplier(s / twice) for s in (s_a, s_b))
    low, high = output_bounds(node, op.clamp)
    rule = Rounding.SINGLE if rounding == "fast" else scaling(rounding, node)
    dtype = node.output.type.dtype
    shift = ADD_LEFT_SHIFT[dtype]
    scale = twice / ((1 << shift) * s_out)
    # Each operand is at most 255 << 20 (int16: 65535 << 15) after halving or more.
    largest = dtype.bounds[1] - dtype.bounds[0] << shift
    requant = make_requant([scale], rule, zero_point, low, high, [largest])
    sign = -1 if isinstance(op, Sub) else 1
    graph.set_op(node, QAdd(Rescale(z_a, m_a, e_a), Rescale(z_b, sign * m_b, e_b), requant, shift))
    set_range(graph, node.output, low, high)
    return True


def pool(graph: Graph, node: Node, rounding: RoundingName) -> bool:
    """MaxPool2D -> QMaxPool2D, AvgPool2D -> QAvgPool2D."""
    op = node.op
    assert isinstance(op, MaxPool2D | AvgPool2D)
    if isinstance(op, AvgPool2D) and rounding == "onnx":
        return exact.mean_pool(graph, node)
    require_same_scale(node)
    if op.layout != "NHWC":
        raise Refused(f"its layout is {op.layout}", "NHWC", LAYOUT_HINT)
    if isinstance(op, AvgPool2D) and op.include_pad and any(op.window.padding):
        raise Refused("padding that counts in the mean has no integer form")
    low, high = output_bounds(node, op.clamp)
    if isinstance(op, MaxPool2D):
        graph.set_op(node, QMaxPool2D(op.kernel, op.window, low, high))
    else:
        graph.set_op(node, QAvgPool2D(op.kernel, op.window, low, high, op.half_up))
    set_range(graph, node.output, *clipped(value_range(node.input(0)), low, high))
    return True


def mean(graph: Graph, node: Node, rounding: RoundingName) -> bool:
    """Mean -> QMean."""
    op = node.op
    assert isinstance(op, Mean)
    (s_in, x_zero), (s_out, zero_point) = tensor_scale(node.input(0)), tensor_scale(node.output)
    shape = node.input(0).type.shape
    count = math.prod(shape[a] for a in op.axes)
    if 255 * count >= 2**31:
        raise Refused(f"the sum of {count} values can leave int32")
    if rounding in ("fast", "onnx"):
        requant = make_requant(
            [s_in / s_out / count], scaling(rounding, node), zero_point, bounds=[255 * count]
        )
    else:
        requant = _mean_requant(s_in / s_out, count, zero_point)
    set_mean(graph, node, QMean(requant, x_zero, op.axes, op.keepdims))
    return True


def _mean_requant(scale: float, count: int, zero_point: int) -> Requant:
    """TFLite folds 1 / count into the significand, truncating."""
    check_scale(scale, 255 * count)
    multiplier, exponent = quantize_multiplier(scale)
    shift = min(count.bit_length() - 1, 32, 31 + exponent)
    folded = (multiplier << shift) // count
    return Requant((folded,), (exponent - shift,), Rounding.DOUBLE, zero_point)


def softmax(graph: Graph, node: Node, rounding: RoundingName) -> bool:
    """Softmax -> QSoftmax (gemmlowp's Q5.26 argument)."""
    op = node.op
    assert isinstance(op, Softmax)
    shape = node.input(0).type.shape
    if op.axis != len(shape) - 1 and math.prod(shape[op.axis + 1 :]) != 1:
        raise Refused(f"it runs along axis {op.axis}", f"the last axis, {len(shape) - 1}")
    if op.axis != len(shape) - 1:
        raise Refused("its axis is not the last one", hint=LAYOUT_HINT)
    if rounding == "onnx":
        return exact.softmax(graph, node)
    if shape[-1] > SOFTMAX_MAX_DEPTH:
        raise Refused(f"its rows have {shape[-1]} entries", f"up to {SOFTMAX_MAX_DEPTH}")
    if node.output.type.quant != SOFTMAX_QUANT:
        wanted = node.output.type
        graph.set_type(node.output, replace(wanted, quant=SOFTMAX_QUANT))
        _rescale(graph, append(graph, node, Quantize(), wanted), rounding, -128, 127)
    factor = op.beta * tensor_scale(node.input(0))[0] * 2 ** (31 - SOFTMAX_INTEGER_BITS)
    multiplier, left_shift = quantize_multiplier(min(factor, 2.0**31 - 1))
    if left_shift < 0:
        raise Refused(f"beta times input scale is {factor / 2**26:.3g}", "more than 2**-26")
    reach = (2**SOFTMAX_INTEGER_BITS - 1) * 2 ** (31 - SOFTMAX_INTEGER_BITS)
    graph.set_op(node, QSoftmax(multiplier, left_shift, -(reach // 2**left_shift)))
    return True


def clip(graph: Graph, node: Node, rounding: RoundingName) -> bool:
    """Clip -> QClip, or QRescale where the quantization changes."""
    op = node.op
    assert isinstance(op, Clip)
    low, high = output_bounds(node, op.clamp)
    if tensor_scale(node.input(0)) == tensor_scale(node.output):
        graph.set_op(node, QClip(low, high))
        set_range(graph, node.output, *clipped(value_range(node.input(0)), low, high))
        return True
    return _rescale(graph, node, rounding, low, high)


def quantize(graph: Graph, node: Node, rounding: RoundingName) -> bool:
    """Quantize from integer to integer -> QRescale."""
    return _rescale(graph, node, rounding, *node.output.type.dtype.bounds)


def _rescale(graph: Graph, node: Node, rounding: RoundingName, low: int, high: int) -> bool:
    (s_in, x_zero), (s_out, zero_point) = tensor_scale(node.input(0)), tensor_scale(node.output)
    rule = scaling(rounding, node)
    smallest, largest = node.input(0).type.dtype.bounds
    requant = make_requant([s_in / s_out], rule, zero_point, low, high, [largest - smallest])
    graph.set_op(node, QRescale(requant, x_zero))
    set_range(graph, node.output, low, high)
    return True
