"""Handlers of operators with a spatial window, of dense layers and of the mean."""

from __future__ import annotations

from typing import Any

import numpy as np

from edgekit.importers.tflite.context import Context
from edgekit.importers.tflite.reader import RawOperator, RawTensor
from edgekit.ir import Quant, TensorType, Value
from edgekit.ir.ops import AvgPool2D, Conv2D, Dense, MaxPool2D, Mean, Reshape, Window


def conv_2d(ctx: Context, op: RawOperator) -> None:
    """CONV_2D: weights (out, kh, kw, in); fewer weight channels than input channels are groups."""
    ctx.check_weights(op)
    options = ctx.options(op, "Conv2DOptions")
    x, weights = _window_inputs(ctx, op)
    if x.shape[3] % weights.shape[3]:
        ctx.refuse(op, f"{x.shape[3]} channels do not divide into weights {list(weights.shape)}")
    _check_axis(ctx, op, weights, 0)
    window = _window(ctx, op, options, x.shape, (weights.shape[1], weights.shape[2]))
    conv = Conv2D(
        window,
        x.shape[3] // weights.shape[3],
        "NHWC",
        ctx.clamp(op, options.FusedActivationFunction()),
    )
    ctx.emit(op, conv, [ctx.value(op, 0), _weights(ctx, op), _bias(ctx, op)])


def depthwise_conv_2d(ctx: Context, op: RawOperator) -> None:
    """DEPTHWISE_CONV_2D: weights (1, kh, kw, in * multiplier) become (out, kh, kw, 1)."""
    ctx.check_weights(op)
    options = ctx.options(op, "DepthwiseConv2DOptions")
    x, weights = _window_inputs(ctx, op)
    assert weights.data is not None
    _check_axis(ctx, op, weights, 3)
    if weights.shape[0] != 1 or weights.shape[3] % x.shape[3]:
        ctx.refuse(op, f"weights {list(weights.shape)} do not fit {x.shape[3]} input channels")
    window = _window(ctx, op, options, x.shape, (weights.shape[1], weights.shape[2]))
    quant = weights.quant
    if quant is not None and quant.axis is not None:
        quant = Quant(quant.scale, quant.zero_point, 0)
    quant = _as_multiplied(ctx, op, quant)
    filters = ctx.constant(op, weights, weights.data.transpose(3, 1, 2, 0), quant)
    clamp = ctx.clamp(op, options.FusedActivationFunction())
    conv = Conv2D(window, x.shape[3], "NHWC", clamp)
    ctx.emit(op, conv, [ctx.value(op, 0), filters, _bias(ctx, op)])


def fully_connected(ctx: Context, op: RawOperator) -> None:
    """FULLY_CONNECTED: input flattened to (N, K), output reshaped where it keeps dimensions."""
    ctx.check_weights(op)
    options = ctx.options(op, "FullyConnectedOptions")
    if options.WeightsFormat() != 0:
        ctx.refuse(op, "shuffled weights are not supported", "the default weights format")
    weights = ctx.parameter(op, 1)
    if len(weights.shape) != 2:
        ctx.refuse(op, f"weights '{weights.name}' have shape {list(weights.shape)}", "2 dimensions")
    _check_axis(ctx, op, weights, 0)
    outputs, depth = weights.shape
    x = ctx.value(op, 0)
    if x.type.size % depth:
        ctx.refuse(op, f"{x.type.size} inputs do not divide into rows of {depth}")
    rows = x.type.size // depth
    flat = TensorType((rows, depth), x.type.dtype, "", x.type.quant)
    if x.type.shape != flat.shape:
        x = ctx.emit(op, Reshape(flat.shape), [x], flat)
    dense = Dense(ctx.clamp(op, options.FusedActivationFunction()))
    inputs = [x, _weights(ctx, op), _bias(ctx, op)]
    target = ctx.model.tensors[op.outputs[0]]
    if target.shape == (rows, outputs):
        ctx.emit(op, dense, inputs)
        return
    result = TensorType((rows, outputs), x.type.dtype, "", target.quant)
    ctx.emit(op, Reshape(target.shape), [ctx.emit(op, dense, inputs, result)])


def average_pool_2d(ctx: Context, op: RawOperator) -> None:
    """AVERAGE_POOL_2D: padding does not count."""
    kernel, window, activation = pool_geometry(ctx, op)
    x = ctx.tensor(op, 0)
    half_up = x is not None and x.unsigned
    pool = AvgPool2D(kernel, window, "NHWC", ctx.clamp(op, activation), half_up=half_up)
    ctx.emit(op, pool, [ctx.value(op, 0)])


def max_pool_2d(ctx: Context, op: RawOperator) -> None:
    """MAX_POOL_2D."""
    kernel, window, activation = pool_geometry(ctx, op)
    pool = MaxPool2D(kernel, window, "NHWC", ctx.clamp(op, activation))
    ctx.emit(op, pool, [ctx.value(op, 0)])


def mean(ctx: Context, op: RawOperator) -> None:
    """MEAN over constant axes."""
    ctx.check_activations(op)
    x = ctx.value(op, 0)
    rank = len(x.type.shape)
    axes = [int(a) for a in ctx.integers(op, 1, "axes").reshape(-1)]
    if not axes or any(not -rank <= a < rank for a in axes):
        ctx.refuse(op, f"axes {axes} for {rank} dimensions")
    keep = bool(ctx.options(op, "ReducerOptions").KeepDims())
    ctx.emit(op, Mean(tuple(sorted({a % rank for a in axes})), keep), [x])


def pool_geometry(ctx: Context, op: RawOperator) -> tuple[tuple[int, int], Window, int]:
    """Kernel, window and fused activation of a pool, its activations checked."""
    ctx.check_activations(op)
    options = ctx.options(op, "Pool2DOptions")
    x = ctx.value(op, 0).type.shape
    if len(x) != 4:
        ctx.refuse(op, f"input has shape {list(x)}", "4 dimensions")
    kernel = (int(options.FilterHeight()), int(options.FilterWidth()))
    if min(kernel) < 1:
        ctx.refuse(op, f"window {kernel}", "at least 1 x 1")
    return kernel, _window(ctx, op, options, x, kernel), options.FusedActivationFunction()


def _window_inputs(ctx: Context, op: RawOperator) -> tuple[RawTensor, RawTensor]:
    x, weights = ctx.tensor(op, 0), ctx.parameter(op, 1)
    assert x is not None
    if len(x.shape) != 4 or len(weights.shape) != 4:
        what = f"input {list(x.shape)} and weights {list(weights.shape)}"
        ctx.refuse(op, what, "4 dimensions each")
    return x, weights


def _weights(ctx: Context, op: RawOperator) -> Value:
    """The weights as they are; a constant of its own where hybrid ones become real."""
    weights = ctx.parameter(op, 1)
    quant = _as_multiplied(ctx, op, weights.quant)
    if weights is ctx.tensor(op, 1) and quant is weights.quant:
        return ctx.value(op, 1)
    assert weights.data is not None
    return ctx.constant(op, weights, weights.data, quant)


def _as_multiplied(ctx: Context, op: RawOperator, quant: Quant | None) -> Quant | None:
    """TFLite multiplies the scales of a uint8 layer in float32: the scale of the weights that gives
    this product in float64."""
    x, weights = ctx.tensor(op, 0), ctx.tensor(op, 1)
    if quant is None or x is None or x.quant is None or weights is None or not weights.unsigned:
        return quant
    s_in = x.quant.scale[0]
    product = float(np.float32(s_in) * np.float32(quant.scale[0]))
    return Quant((product / s_in,), quant.zero_point)


def _bias(ctx: Context, op: RawOperator) -> Value | None:
    return None if ctx.tensor(op, 2) is None else ctx.value(op, 2)


def _check_axis(ctx: Context, op: RawOperator, weights: RawTensor, axis: int) -> None:
    quant = weights.quant
    if quant is None or quant.axis is None:
        return
    if quant.axis != axis or len(quant.scale) != weights.shape[axis]:
        what = f"weights '{weights.name}' have {len(quant.scale)} scales along axis {quant.axis}"
        ctx.refuse(op, what, f"1, or {weights.shape[axis]} along axis {axis}")


def _window(
    ctx: Context, op: RawOperator, options: Any, x: tuple[int, ...], kernel: tuple[int, int]
) -> Window:
    strides = (int(options.StrideH()), int(options.StrideW()))
    dilations = (1, 1)
    if hasattr(options, "DilationHFactor"):
        dilations = (int(options.DilationHFactor()), int(options.DilationWFactor()))
    if min(*strides, *dilations) < 1:
        ctx.refuse(op, f"strides {strides}, dilations {dilations}", "at least 1")
    if options.Padding() == 1:
        return Window(strides, (0, 0, 0, 0), dilations)
    if options.Padding() != 0:
        ctx.refuse(op, f"padding {options.Padding()}", "SAME, VALID")
    sides = [
        same_padding(n, k, s, d)
        for n, k, s, d in zip(x[1:3], kernel, strides, dilations, strict=True)
    ]
    (top, bottom), (left, right) = sides
    return Window(strides, (top, left, bottom, right), dilations)


def same_padding(size: int, kernel: int, stride: int, dilation: int) -> tuple[int, int]:
    """Rows before and after so that ``ceil(size / stride)`` windows fit; the odd one comes last."""
    reach = (kernel - 1) * dilation + 1
    total = max((-(-size // stride) - 1) * stride + reach - size, 0)
    return total // 2, total - total // 2
