"""Rules for operators that round the real result once: products, functions of one element, and
ONNX's mean over a window and softmax."""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from edgekit.ir import Graph, Node
from edgekit.ir.ops import (
    AvgPool2D,
    Mul,
    QLookup,
    QMeanPool2D,
    QMul,
    QTableSoftmax,
    Softmax,
    Unary,
)
from quantize.lowering.common import (
    LAYOUT_HINT,
    Refused,
    RoundingName,
    output_bounds,
    scaling,
    set_range,
    tensor_scale,
)
from quantize.reference.pointwise import UNARY
from quantize.requantize import make_requant, round_half_away

POWER_BITS = 24
"""Fraction bits of the softmax's powers: as many as float32 has."""
FACTOR_BITS = 16
EVERY = np.arange(-128, 128)


def mul(graph: Graph, node: Node, rounding: RoundingName) -> bool:
    """Mul -> QMul; TFLite's product differs in the rounding of the accumulator only."""
    op = node.op
    assert isinstance(op, Mul)
    (s_a, z_a), (s_b, z_b), (s_out, zero_point) = (
        tensor_scale(v) for v in (node.input(0), node.input(1), node.output)
    )
    low, high = output_bounds(node, op.clamp)
    scale = s_a * s_b / s_out
    rule = scaling(rounding, node)
    graph.set_op(
        node, QMul(make_requant([scale], rule, zero_point, low, high, [255 * 255]), z_a, z_b)
    )
    set_range(graph, node.output, low, high)
    return True


def lookup(graph: Graph, node: Node, rounding: RoundingName) -> bool:
    """Unary -> QLookup: the function of every int8 number, by its float32 definition."""
    op = node.op
    assert isinstance(op, Unary)
    (s_in, x_zero), (s_out, zero_point) = tensor_scale(node.input(0)), tensor_scale(node.output)
    real = (EVERY - x_zero).astype(np.float32) * np.float32(s_in)
    with np.errstate(all="ignore"):
        ratio = np.asarray(UNARY[op.function](real, op), np.float32) / np.float32(s_out)
    if np.isnan(ratio).any():
        raise Refused("it is not defined for every number that its input can hold")
    nearest: Callable[[NDArray[np.float32]], NDArray[np.float32]]
    nearest = np.rint if rounding == "onnx" else round_half_away
    table = np.clip(nearest(np.clip(ratio, -1e6, 1e6)) + zero_point, -128, 127).astype(np.int8)
    graph.set_input(node, 1, graph.constant(table, f"{node.name}_table"))
    graph.set_op(node, QLookup())
    set_range(graph, node.output, int(table.min()), int(table.max()))
    return True


def mean_pool(graph: Graph, node: Node) -> bool:
    """AvgPool2D -> QMeanPool2D."""
    op = node.op
    assert isinstance(op, AvgPool2D)
    if op.layout != "NHWC":
        raise Refused(f"its layout is {op.layout}", "NHWC", LAYOUT_HINT)
    (s_in, x_zero), (s_out, zero_point) = tensor_scale(node.input(0)), tensor_scale(node.output)
    area = math.prod(op.kernel)
    counts = [area] if op.include_pad or not any(op.window.padding) else range(1, area + 1)
    low, high = output_bounds(node, op.clamp)
    requant = make_requant(
        [s_in / s_out / n for n in counts], scaling("onnx", node), zero_point, low, high,
        [255 * n for n in counts],
    )  # fmt: skip
    graph.set_op(node, QMeanPool2D(op.kernel, requant, x_zero, op.window))
    set_range(graph, node.output, low, high)
    return True


def softmax(graph: Graph, node: Node) -> bool:
    """Softmax -> QTableSoftmax."""
    op = node.op
    assert isinstance(op, Softmax)
    depth = node.input(0).type.shape[-1]
    (s_in, _), (s_out, zero_point) = tensor_scale(node.input(0)), tensor_scale(node.output)
    bits = min(POWER_BITS, 31 - depth.bit_length())
    factor = round(2.0**FACTOR_BITS / s_out)
    if bits < POWER_BITS // 2 or not 0 < factor < 2**32:
        raise Refused(f"rows of {depth}, output scale {s_out:.3g}", "rows up to 2**19, 2**-16")
    powers = np.rint(np.exp(-np.arange(256) * (s_in * op.beta)) * 2.0**bits).astype(np.uint32)
    graph.set_input(node, 1, graph.constant(powers, f"{node.name}_powers"))
    graph.set_op(node, QTableSoftmax(factor, FACTOR_BITS, zero_point))
    return True
