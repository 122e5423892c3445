"""C for the integer operators."""

from __future__ import annotations

import math
from dataclasses import asdict
from typing import TypeVar

import numpy as np

from codegen.c.operators import wide
from codegen.c.operators.accumulators import declare_requant, fold_zero_point, reach
from codegen.c.operators.geometry import collapse_mean, declare_broadcast, declare_window
from codegen.c.step import StepWriter
from edgekit.ir import DType, Node
from edgekit.ir.op import Op
from edgekit.ir.ops import (
    QAdd,
    QAvgPool2D,
    QClip,
    QConv2D,
    QDense,
    QMaxPool2D,
    QMean,
    QRescale,
    QSoftmax,
)
from quantize.affine_sum import AffineSum, affine_sum
from quantize.reference.integer import softmax_powers
from quantize.requantize import INT32_MAX

LEVELS = 256
T = TypeVar("T", bound=Op)


def attributes(w: StepWriter, kind: type[T]) -> T:
    """The node's operator, checked to be of the class that the emitter was registered for."""
    op = w.node.op
    if not isinstance(op, kind):
        raise TypeError(f"{op.name} is not {kind.__name__}")
    return op


def is_depthwise(node: Node) -> bool:
    """True where each group has one input channel and there are several."""
    op = node.op
    return isinstance(op, QConv2D) and op.groups == node.input(0).type.shape[3] and op.groups > 1


def repeats_of(node: Node) -> int:
    """Filters of each channel of a depthwise convolution, 1 for every other node."""
    return node.output.type.shape[3] // node.input(0).type.shape[3] if is_depthwise(node) else 1


def conv_scratch(node: Node) -> int:
    """Bytes of windows that the convolution kernels copy (see their headers)."""
    op = node.op
    assert isinstance(op, QConv2D)
    if node.input(0).type.dtype is not DType.INT8 or op.w_zero:
        return 0
    _, kh, kw, count = node.input(1).type.shape
    if is_depthwise(node):
        return kh * kw * node.input(0).type.shape[3] if any(op.window.padding) else 0
    pointwise = kh == kw == 1 and not any(op.window.padding)
    return 0 if pointwise else 2 * kh * kw * count


def emit_conv(w: StepWriter) -> None:
    if wide.is_wide(w):
        wide.emit_conv(w)
        return
    op = attributes(w, QConv2D)
    weights = w.node.input(1).array
    window = declare_window(w, weights.shape[1:3], op.window, op.groups)
    if op.w_zero:
        _emit_offset_conv(w, op, window)
        return
    rows = weights.reshape(weights.shape[0], -1)
    bias = fold_zero_point(w.node, rows, op.x_zero, op.requant)
    q, rule = declare_requant(w, op.requant, reach(rows, bias))
    depthwise = is_depthwise(w.node)
    constants = w.weights(weights, "weights"), w.table(bias, "bias")
    with w.each_sample(w.node.input(0), w.node.output) as (x, y):
        w.call(
            "ek_depthwise_s8" if depthwise else "ek_conv2d_s8",
            window, q, op.x_zero, x, *constants, w.scratch(), y, rule=rule,
        )  # fmt: skip


def _emit_offset_conv(w: StepWriter, op: QConv2D, window: str) -> None:
    """A convolution whose weights have a zero point."""
    weights, bias = w.node.input(1).array, w.node.input(2).array
    rows = weights.reshape(weights.shape[0], -1).astype(np.int16) - op.w_zero
    q, rule = declare_requant(w, op.requant, 2 * reach(rows, bias))
    constants = w.weights(weights, "weights"), w.table(bias, "bias")
    with w.each_sample(w.node.input(0), w.node.output) as (x, y):
        zeros = op.x_zero, op.w_zero
        w.call("ek_conv2d_offset_s8", window, *zeros, q, x, *constants, y, rule=rule)


def emit_dense(w: StepWriter) -> None:
    if wide.is_wide(w):
        wide.emit_dense(w)
        return
    op = attributes(w, QDense)
    weights = w.node.input(1).array
    centred = weights.astype(np.int16) - op.w_zero
    bias = fold_zero_point(w.node, centred, op.x_zero, op.requant)
    q, rule = declare_requant(w, op.requant, reach(centred, bias))
    rows, depth = w.node.input(0).type.shape
    kernel = "ek_dense_offset_s8" if op.w_zero else "ek_dense_s8"
    offset = (op.w_zero,) if op.w_zero else ()
    w.call(
        kernel, rows, depth, weights.shape[0], *offset, q, w.read(w.node.input(0)),
        w.weights(weights, "weights"), w.table(bias, "bias"), w.write(w.node.output),
        rule=rule,
    )  # fmt: skip


def emit_add(w: StepWriter) -> None:
    if wide.is_wide(w):
        wide.emit_add(w)
        return
    op = attributes(w, QAdd)
    a, b = w.node.input(0), w.node.input(1)
    found = affine_sum(op) if a.type.shape == b.type.shape else None
    if found is not None:
        args = declare_affine_sum(w, op, found)
        w.call("ek_affine_add_s8", args, w.read(a), w.read(b), w.write(w.node.output))
        return
    geometry = declare_broadcast(w)
    first = w.declare("ek_operand", "first", **asdict(op.first))
    second = w.declare("ek_operand", "second", **asdict(op.second))
    q, rule = declare_requant(w, op.requant, np.array([INT32_MAX]))
    w.call(
        "ek_add_s8", geometry, first, second, op.left_shift, q, w.read(a), w.read(b),
        w.write(w.node.output), rule=rule,
    )  # fmt: skip


def declare_affine_sum(w: StepWriter, op: QAdd, found: AffineSum) -> str:
    """Declare what ``ek_affine_add_s8`` takes; returns a pointer to it."""
    return w.declare(
        "ek_affine_sum",
        "sum",
        count=w.node.output.type.size,
        first=found.first,
        second=found.second,
        offset=found.offset,
        shift=found.shift,
        low=op.requant.low,
        high=op.requant.high,
    )


def emit_max_pool(w: StepWriter) -> None:
    op = attributes(w, QMaxPool2D)
    window = declare_window(w, op.kernel, op.window)
    with w.each_sample(w.node.input(0), w.node.output) as (x, y):
        w.call("ek_max_pool_s8", window, op.low, op.high, x, y)


def emit_avg_pool(w: StepWriter) -> None:
    op = attributes(w, QAvgPool2D)
    window = declare_window(w, op.kernel, op.window)
    with w.each_sample(w.node.input(0), w.node.output) as (x, y):
        w.call("ek_avg_pool_s8", window, int(op.half_up), op.low, op.high, x, y)


def emit_mean(w: StepWriter) -> None:
    op = attributes(w, QMean)
    outer, count, inner = collapse_mean(w.node, op.axes)
    q, rule = declare_requant(w, op.requant, np.array([255 * count]))
    x, y = w.read(w.node.input(0)), w.write(w.node.output)
    w.call("ek_mean_s8", outer, count, inner, op.x_zero, q, x, y, rule=rule)


def emit_clip(w: StepWriter) -> None:
    op = attributes(w, QClip)
    x, y = w.read(w.node.input(0)), w.write(w.node.output)
    if wide.is_wide(w):
        kind = w.node.output.type.dtype.c_name
        w.kernels.append("ek_map.h")
        text = f"ek_clamp_i32(x, {op.low}, {op.high})"
        w.macro("EK_MAP", kind, kind, w.node.output.type.size, x, y, text)
        return
    w.call("ek_clip_s8", w.node.output.type.size, op.low, op.high, x, y)


def emit_rescale(w: StepWriter) -> None:
    if wide.is_wide(w):
        wide.emit_rescale(w)
        return
    op = attributes(w, QRescale)
    q, rule = declare_requant(w, op.requant, np.array([255]))
    x, y = w.read(w.node.input(0)), w.write(w.node.output)
    w.call("ek_rescale_s8", w.node.output.type.size, op.x_zero, q, x, y, rule=rule)


def emit_softmax(w: StepWriter) -> None:
    op = attributes(w, QSoftmax)
    shape = w.node.output.type.shape
    x, y = w.read(w.node.input(0)), w.write(w.node.output)
    if has_power_table(w.node):
        powers = softmax_powers(op, -np.arange(min(LEVELS, 1 - op.diff_min)))
        table = w.table(powers.astype(np.int32), "powers")
        w.call("ek_powers_softmax_s8", w.node.output.type.size // shape[-1], shape[-1],
               len(powers), table, x, y)  # fmt: skip
        return
    w.call(
        "ek_softmax_s8", math.prod(shape[:-1]), shape[-1], op.multiplier, op.left_shift,
        op.diff_min, x, y,
    )  # fmt: skip


def has_power_table(node: Node) -> bool:
    """True for softmaxes of so many elements that a table of all powers is worth its 1 KiB."""
    return node.output.type.size >= 2 * LEVELS
