"""Handlers of transposed and 3-D convolutions, matrix products and normalisations."""

from __future__ import annotations

import numpy as np

from edgekit.importers.tflite.context import WEIGHTS, Context
from edgekit.importers.tflite.reader import RawOperator
from edgekit.importers.tflite.spatial import pool_geometry, same_padding
from edgekit.ir import DType, TensorType, Value
from edgekit.ir.op import Op
from edgekit.ir.ops import (
    AvgPool2D,
    Clip,
    ConvNd,
    ConvTranspose,
    LocalResponseNorm,
    LogSoftmax,
    MatMul,
    Mul,
    Normalize,
    Span,
    Transpose,
    Unary,
)


def transpose_conv(ctx: Context, op: RawOperator) -> None:
    """TRANSPOSE_CONV: weights (out, kh, kw, in); the padding follows from the output's size."""
    ctx.check_activations(op, (2,))
    options = ctx.options(op, "TransposeConvOptions")
    x, weights, bias = ctx.value(op, 2), ctx.tensor(op, 1), ctx.tensor(op, 3)
    wanted = WEIGHTS.get(x.type.dtype.value.upper())
    if weights is None or weights.data is None or weights.problem or wanted is None:
        ctx.refuse(op, "the weights must be a constant that can be read")
    if weights.type_name != wanted[0] or (bias and bias.type_name not in wanted[1]):
        ctx.refuse(op, f"weights of {weights.type_name} for {x.type.dtype.value} activations")
    out = ctx.model.tensors[op.outputs[0]].shape
    if len(x.type.shape) != 4 or len(weights.shape) != 4 or len(out) != 4:
        ctx.refuse(op, f"input {list(x.type.shape)}, weights {list(weights.shape)}", "4 dimensions")
    strides = (int(options.StrideH()), int(options.StrideW()))
    if min(strides) < 1 or options.Padding() not in (0, 1):
        ctx.refuse(
            op, f"strides {strides}, padding {options.Padding()}", "1 or more, SAME or VALID"
        )
    before = (0, 0)
    if options.Padding() == 0:
        pairs = zip(out[1:3], weights.shape[1:3], strides, strict=True)
        top, left = (same_padding(n, k, s, 1)[0] for n, k, s in pairs)
        before = (top, left)
    layer = ConvTranspose(
        channels_last=True, clamp=ctx.clamp(op, options.FusedActivationFunction()),
        strides=strides, dilations=(1, 1), before=before, size=out[1:3],
    )  # fmt: skip
    quant = weights.quant
    if quant is not None and quant.axis not in (None, 0):
        ctx.refuse(op, f"weights '{weights.name}' are quantized along axis {quant.axis}", "axis 0")
    filters = ctx.constant(op, weights, weights.data.transpose(0, 3, 1, 2), quant)
    ctx.emit(op, layer, [x, filters, None if bias is None else ctx.value(op, 3)])


def conv_3d(ctx: Context, op: RawOperator) -> None:
    """CONV_3D in float32: weights (depth, height, width, in / groups, out)."""
    ctx.check_weights(op)
    options = ctx.options(op, "Conv3DOptions")
    x, weights = ctx.value(op, 0), ctx.parameter(op, 1)
    if x.type.dtype is not DType.FLOAT32 or len(x.type.shape) != 5 or len(weights.shape) != 5:
        ctx.refuse(op, f"input {x.type}, weights {list(weights.shape)}", "float32, 5 dimensions")
    assert weights.data is not None
    strides = (int(options.StrideD()), int(options.StrideH()), int(options.StrideW()))
    dilations = tuple(int(getattr(options, f"Dilation{a}Factor")()) for a in "DHW")
    if min(*strides, *dilations) < 1:
        ctx.refuse(op, f"strides {strides}, dilations {dilations}", "at least 1")
    sides = [(0, 0)] * 3
    if options.Padding() == 0:
        numbers = zip(x.type.shape[1:4], weights.shape[:3], strides, dilations, strict=True)
        sides = [same_padding(*each) for each in numbers]
    before, after = (tuple(side[i] for side in sides) for i in (0, 1))
    filters = ctx.constant(op, weights, weights.data.transpose(4, 3, 0, 1, 2), None)
    groups = x.type.shape[4] // max(weights.shape[3], 1)
    clamp = ctx.clamp(op, options.FusedActivationFunction())
    layer = ConvNd(True, groups, clamp, Span(strides, before, after, dilations))
    ctx.emit(op, layer, [x, filters, None if ctx.tensor(op, 2) is None else ctx.value(op, 2)])


def batch_matmul(ctx: Context, op: RawOperator) -> None:
    """BATCH_MATMUL of float32 or int8 tensors, either of them transposed."""
    ctx.check_activations(op, (0, 1))
    options = ctx.options(op, "BatchMatMulOptions")
    adjoint = (options.AdjX(), options.AdjY())
    operands = [_turned(ctx, op, ctx.value(op, i)) if adjoint[i] else ctx.value(op, i)
                for i in (0, 1)]  # fmt: skip
    ctx.emit(op, MatMul(), operands)


def _turned(ctx: Context, op: RawOperator, x: Value) -> Value:
    """The last two axes exchanged."""
    shape = x.type.shape
    rank = len(shape)
    if rank < 2:
        ctx.refuse(op, f"an operand has shape {list(shape)}", "2 or more dimensions")
    type_ = TensorType((*shape[:-2], shape[-1], shape[-2]), x.type.dtype, "", x.type.quant)
    return ctx.emit(op, Transpose((*range(rank - 2), rank - 1, rank - 2)), [x], type_)


def l2_normalization(ctx: Context, op: RawOperator) -> None:
    """L2_NORMALIZATION along the last axis."""
    options = ctx.options(op, "L2NormOptions")
    if options.FusedActivationFunction():
        ctx.refuse(op, "a fused activation", "NONE")
    rank = len(ctx.value(op, 0).type.shape)
    _emit_real(ctx, op, Normalize(rank - 1, "l2", 1e-6))


def local_response_normalization(ctx: Context, op: RawOperator) -> None:
    """LOCAL_RESPONSE_NORMALIZATION across channels.

    LiteRT's kernels sum from ``radius`` channels in front of one to ``radius - 1`` behind it.
    """
    options = ctx.options(op, "LocalResponseNormalizationOptions")
    radius = int(options.Radius())
    factors = [float(v()) for v in (options.Alpha, options.Beta, options.Bias)]
    if radius < 1 or not np.isfinite(factors).all():
        ctx.refuse(op, f"radius {radius}, factors {factors}", "radius >= 1, finite numbers")
    rank = len(ctx.value(op, 0).type.shape)
    _emit_real(ctx, op, LocalResponseNorm(rank - 1, radius, radius - 1, *factors))


def log_softmax(ctx: Context, op: RawOperator) -> None:
    """LOG_SOFTMAX along the last axis."""
    _emit_real(ctx, op, LogSoftmax(len(ctx.value(op, 0).type.shape) - 1))


def l2_pool_2d(ctx: Context, op: RawOperator) -> None:
    """L2_POOL_2D: the root of the mean of squares; padding does not count."""
    kernel, window, activation = pool_geometry(ctx, op)
    x, clamp = ctx.value(op, 0), ctx.clamp(op, activation)
    if x.type.dtype is not DType.FLOAT32:
        ctx.refuse(op, f"element type {x.type.dtype.value}", "float32")
    squares = ctx.emit(op, Mul(), [x, x], x.type)
    out = ctx.type_of(ctx.model.tensors[op.outputs[0]])
    mean = ctx.emit(op, AvgPool2D(kernel, window, "NHWC"), [squares], out)
    if clamp is None:
        ctx.emit(op, Unary("sqrt"), [mean])
    else:
        ctx.emit(op, Clip(clamp), [ctx.emit(op, Unary("sqrt"), [mean], out)])


def _emit_real(ctx: Context, op: RawOperator, ir_op: Op) -> None:
    """Emit an operator that exists in float32 only."""
    ctx.check_activations(op)
    x = ctx.value(op, 0)
    if x.type.dtype is not DType.FLOAT32:
        ctx.refuse(op, f"element type {x.type.dtype.value}", "float32")
    ctx.emit(op, ir_op, [x])
