"""C for the float32 operators, and for the steps between float and integer."""

from __future__ import annotations

import math

import numpy as np

from codegen.c.literals import float_literal
from codegen.c.operators import pointwise, quads, reducing
from codegen.c.operators.geometry import (
    are_neighbours,
    collapse_mean,
    declare_broadcast,
    declare_window,
)
from codegen.c.operators.integer import attributes
from codegen.c.step import StepWriter
from edgekit.errors import ModelError, Problem
from edgekit.ir import DType, Node, Quant
from edgekit.ir.op import Op
from edgekit.ir.ops import (
    Add,
    AvgPool2D,
    Clamp,
    Clip,
    Conv2D,
    Dense,
    MaxPool2D,
    Mean,
    Mul,
    Quantize,
    Softmax,
    Sub,
)

OPERATIONS: dict[type[Op], str] = {Add: "EK_ADD", Sub: "EK_SUB", Mul: "EK_MUL"}


def bounds(clamp: Clamp | None) -> tuple[str, str]:
    """C literals of a clamp's bounds; an open side is infinite."""
    low = -math.inf if clamp is None or clamp.low is None else clamp.low
    high = math.inf if clamp is None or clamp.high is None else clamp.high
    return float_literal(low), float_literal(high)


def weights_of(w: StepWriter) -> str:
    """Pointer to the step's weights: a constant, or a tensor computed at run time."""
    value = w.node.input(1)
    return w.weights(value.array, "weights") if value.is_constant else w.read(value)


def packed_weights_of(w: StepWriter, groups: int = 1) -> tuple[str, int]:
    """Pointer to a layer's weights, and how many times four filters of each group are packed.

    A constant is packed as `quads.by_fours` does; a tensor computed at run time is read as it is.
    """
    value = w.node.input(1)
    if not value.is_constant:
        return weights_of(w), 0
    filters = value.type.shape[0]
    packed = quads.by_fours(value.array.reshape(filters, -1), groups)
    return w.weights(packed, "weights"), filters // groups // quads.FOUR


def bias_of(w: StepWriter, outputs: int) -> str:
    """Pointer to the step's bias; zeros where the model has none."""
    value = w.node.optional_input(2)
    if value is not None and not value.is_constant:
        return w.read(value)
    return w.weights(np.zeros(outputs, np.float32) if value is None else value.array, "bias")


def emit_conv(w: StepWriter) -> None:
    op = attributes(w, Conv2D)
    filters, kh, kw, _ = w.node.input(1).type.shape
    flat = quads.is_flat((kh, kw), op.window)
    window = declare_window(w, (kh, kw), op.window, op.groups, flat=flat)
    depthwise = quads.by_channel(w.node)
    weights, fours = packed_weights_of(w, 1 if depthwise else op.groups)
    bias = bias_of(w, filters)
    with w.each_sample(w.node.input(0), w.node.output) as (x, y):
        if depthwise:
            w.call("ek_depthwise_f32", window, *bounds(op.clamp), x, weights, bias, y)
        else:
            w.call("ek_conv2d_f32", window, fours, *bounds(op.clamp), x, weights, bias, y)


def emit_dense(w: StepWriter) -> None:
    op = attributes(w, Dense)
    outputs = w.node.input(1).type.shape[0]
    rows, depth = w.node.input(0).type.shape
    weights, fours = packed_weights_of(w)
    w.call(
        "ek_dense_f32", rows, depth, outputs, fours, *bounds(op.clamp), w.read(w.node.input(0)),
        weights, bias_of(w, outputs), w.write(w.node.output),
    )  # fmt: skip


def emit_max_pool(w: StepWriter) -> None:
    op = attributes(w, MaxPool2D)
    window = declare_window(w, op.kernel, op.window)
    with w.each_sample(w.node.input(0), w.node.output) as (x, y):
        w.call("ek_max_pool_f32", window, *bounds(op.clamp), x, y)


def emit_avg_pool(w: StepWriter) -> None:
    op = attributes(w, AvgPool2D)
    window = declare_window(w, op.kernel, op.window)
    area = op.kernel[0] * op.kernel[1] if op.include_pad else 0
    with w.each_sample(w.node.input(0), w.node.output) as (x, y):
        w.call("ek_avg_pool_f32", window, area, *bounds(op.clamp), x, y)


def emit_mean(w: StepWriter) -> None:
    op = attributes(w, Mean)
    if not are_neighbours(w.node.input(0).type.shape, op.axes):
        reducing.reduce_axes(w, "mean", op.axes)
        return
    outer, count, inner = collapse_mean(w.node, op.axes)
    x, y = w.read(w.node.input(0)), w.write(w.node.output)
    w.call("ek_mean_f32", outer, count, inner, x, y)


def emit_binary(w: StepWriter) -> None:
    op = w.node.op
    assert isinstance(op, Add | Sub | Mul)
    if w.node.input(0).type.dtype is not DType.FLOAT32:
        pointwise.emit_binary(w)
        return
    a, b = w.node.input(0), w.node.input(1)
    geometry = declare_broadcast(w)
    w.call(
        "ek_binary_f32", geometry, *bounds(op.clamp), w.read(a), w.read(b),
        w.write(w.node.output), OPERATIONS[type(op)],
    )  # fmt: skip


def emit_clip(w: StepWriter) -> None:
    op = attributes(w, Clip)
    x, y = w.read(w.node.input(0)), w.write(w.node.output)
    w.call("ek_clip_f32", w.node.output.type.size, *bounds(op.clamp), x, y)


def emit_softmax(w: StepWriter) -> None:
    op = attributes(w, Softmax)
    shape = w.node.output.type.shape
    if math.prod(shape[op.axis + 1 :]) != 1:
        problem = Problem(f"axis {op.axis} of shape {shape}", w.node.name, "the last axis")
        raise ModelError("unsupported softmax", [problem])
    rows = math.prod(shape[: op.axis])
    x, y = w.read(w.node.input(0)), w.write(w.node.output)
    w.call("ek_softmax_f32", rows, shape[op.axis], float_literal(op.beta), x, y)


def emit_quantize(w: StepWriter) -> None:
    op = attributes(w, Quantize)
    scale, zero_point = _per_tensor(w.node, w.node.output.type.quant)
    x, y = w.read(w.node.input(0)), w.write(w.node.output)
    size, dtype = w.node.output.type.size, w.node.output.type.dtype
    if dtype is not DType.INT8:
        w.kernels.extend(("ek_map.h", "ek_round_f32.h"))
        low, high = dtype.bounds
        number = f"ek_round_f32(x / {scale}, {int(op.half_even)}) + {zero_point}"
        text = f"ek_clamp_i32({number}, {low}, {high})"
        w.macro("EK_MAP", "float", dtype.c_name, size, x, y, text)
        return
    w.call("ek_quantize_f32", size, scale, zero_point, int(op.half_even), x, y)


def emit_dequantize(w: StepWriter) -> None:
    scale, zero_point = _per_tensor(w.node, w.node.input(0).type.quant)
    x, y = w.read(w.node.input(0)), w.write(w.node.output)
    dtype = w.node.input(0).type.dtype
    if dtype is not DType.INT8:
        w.kernels.append("ek_map.h")
        text = f"{scale} * (float)((int32_t)x - {zero_point})"
        w.macro("EK_MAP", dtype.c_name, "float", w.node.output.type.size, x, y, text)
        return
    w.call("ek_dequantize_s8", w.node.output.type.size, scale, zero_point, x, y)


def _per_tensor(node: Node, quant: Quant | None) -> tuple[str, int]:
    if quant is None or not quant.is_per_tensor:
        problem = Problem("needs one scale for the whole tensor", f"{node.op.name} '{node.name}'")
        raise ModelError("unsupported quantization", [problem])
    return float_literal(quant.scale[0]), quant.zero_point[0]
