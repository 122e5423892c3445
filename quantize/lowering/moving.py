"""Rules for operators that move elements: they stay, quantization in equals quantization out."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np

from edgekit.ir import DType, Graph, Node
from edgekit.ir.ops import Pad, QMean, Reduce, Reshape, Rounding
from edgekit.passes.rewrite import append, prepend_transpose
from quantize.lowering.common import (
    Refused,
    RoundingName,
    require_same_scale,
    set_range,
    tensor_scale,
    value_range,
)
from quantize.requantize import make_requant, round_half_away


def keep(graph: Graph, node: Node, rounding: RoundingName) -> bool:
    """Reshape, Transpose, Concat stay as they are where the quantization is the same."""
    require_same_scale(node)
    ranges = [value_range(v) for v in node.inputs if v is not None and not v.is_constant]
    if ranges:
        set_range(graph, node.output, min(r[0] for r in ranges), max(r[1] for r in ranges))
    return False


def choose(graph: Graph, node: Node, rounding: RoundingName) -> bool:
    """Slice, Gather and others whose first input holds the elements stay where its quantization is
    the output's."""
    _require_first(node)
    set_range(graph, node.output, *value_range(node.input(0)))
    return False


def reduce(graph: Graph, node: Node, rounding: RoundingName) -> bool:
    """Reduce: extreme elements stay, a sum becomes a QMean without a division."""
    op = node.op
    assert isinstance(op, Reduce)
    if op.function in ("max", "min"):
        return choose(graph, node, rounding)
    if op.function != "sum" or node.output.type.dtype is not DType.INT8:
        raise Refused(f"its function is {op.function}", "max, min, sum of int8")
    (s_in, x_zero), (s_out, zero_point) = tensor_scale(node.input(0)), tensor_scale(node.output)
    bound = 255 * math.prod(node.input(0).type.shape[a] for a in op.axes)
    if bound >= 2**31:
        raise Refused("its sum can leave int32")
    # LiteRT reads int8 as unsigned here, which is no result to follow: the sum is rounded once.
    rule = Rounding.DOUBLE if rounding == "tflm" else Rounding.SINGLE
    requant = make_requant([s_in / s_out], rule, zero_point, bounds=[bound])
    set_mean(graph, node, QMean(requant, x_zero, op.axes, op.keepdims))
    return True


def set_mean(graph: Graph, node: Node, op: QMean) -> None:
    """Make ``node`` a QMean over neighbouring axes, which is what its kernels know: others are
    brought to the end first."""
    x, y = node.input(0).type, node.output.type
    kept = [i for i in range(len(x.shape)) if i not in op.axes]
    apart = any(x.shape[i] != 1 and min(op.axes) < i < max(op.axes) for i in kept)
    if not apart:
        graph.set_op(node, op)
        return
    prepend_transpose(graph, node, 0, (*kept, *op.axes))
    graph.set_op(node, replace(op, axes=tuple(range(len(kept), len(x.shape))), keepdims=False))
    graph.set_type(node.output, replace(y, shape=tuple(x.shape[i] for i in kept), layout=""))
    if op.keepdims:
        append(graph, node, Reshape(y.shape), y)


def _require_first(node: Node) -> None:
    if tensor_scale(node.input(0)) != tensor_scale(node.output):
        what = f"'{node.input(0).name}' and '{node.output.name}' differ in scale or zero point"
        raise Refused(what, "equal quantization", "Quantize the float model with edgekit.")


def pad(graph: Graph, node: Node, rounding: RoundingName) -> bool:
    """Pad by a real value -> Pad by the integer that stands for it."""
    op = node.op
    assert isinstance(op, Pad)
    require_same_scale(node)
    if len(node.inputs) > 1:
        return False
    quant = node.output.type.quant
    assert quant is not None
    # Bounded first: padding by infinity (for a maximum) would round to NaN.
    bounded = np.clip(np.float64(op.value) / quant.scale[0], -1e6, 1e6)
    stored = quant.zero_point[0] + round_half_away(bounded)
    value = int(np.clip(stored, *node.output.type.dtype.bounds))
    graph.set_op(node, replace(op, value=float(value)))
    low, high = value_range(node.input(0))
    set_range(graph, node.output, min(low, value), max(high, value))
    return True
