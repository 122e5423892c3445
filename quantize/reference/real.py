"""Definitions of the model-level operators in float32.

Each takes the operator, its node, and the inputs with samples in axis 0.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from edgekit.ir import Node, Quant
from edgekit.ir.ops import (
    Add,
    AvgPool2D,
    BatchNorm,
    Clamp,
    Clip,
    Conv2D,
    Dense,
    Dequantize,
    Det,
    LogSoftmax,
    MatMul,
    MaxPool2D,
    Mean,
    Mul,
    Quantize,
    Softmax,
    Sub,
)
from quantize.reference.windows import convolve, pad_spatial, taps, window_counts
from quantize.requantize import round_half_away

Array = NDArray[Any]

TO_NHWC = (0, 2, 3, 1)
TO_NCHW = (0, 3, 1, 2)


def clamp(x: Array, bounds: Clamp | None) -> Array:
    """Apply a fused clamp."""
    if bounds is None or (bounds.low is None and bounds.high is None):
        return x
    low = None if bounds.low is None else _bound(x, bounds.low)
    high = None if bounds.high is None else _bound(x, bounds.high)
    return np.asarray(np.clip(x, low, high))


def _bound(x: Array, bound: float) -> Any:
    if x.dtype.kind == "f":
        return x.dtype.type(bound)
    info = np.iinfo(x.dtype)
    return x.dtype.type(min(max(bound, info.min), info.max))


def conv2d(op: Conv2D, node: Node, x: Array, weights: Array, bias: Array | None = None) -> Array:
    """Convolution: one matrix product over gathered windows; depthwise tap by tap."""
    nchw = op.layout == "NCHW"
    if nchw:
        x, weights = x.transpose(TO_NHWC), weights.transpose(TO_NHWC)
    out = convolve(pad_spatial(x, op.window, 0), weights, op.window, op.groups)
    if bias is not None:
        out = out + bias
    out = clamp(out, op.clamp)
    return np.ascontiguousarray(out.transpose(TO_NCHW)) if nchw else out


def dense(op: Dense, node: Node, x: Array, weights: Array, bias: Array | None = None) -> Array:
    """``x @ w.T + b``."""
    out = x @ weights.T
    return clamp(out if bias is None else out + bias, op.clamp)


def matmul(op: MatMul, node: Node, a: Array, b: Array) -> Array:
    """Matrix products, with numpy's broadcasting of leading axes."""
    return np.asarray(a @ b)


def det(op: Det, node: Node, x: Array) -> Array:
    """Determinants."""
    return np.asarray(np.linalg.det(x), np.float32)


def add(op: Add, node: Node, a: Array, b: Array) -> Array:
    """Sum."""
    return clamp(a + b, op.clamp)


def sub(op: Sub, node: Node, a: Array, b: Array) -> Array:
    """Difference."""
    return clamp(a - b, op.clamp)


def mul(op: Mul, node: Node, a: Array, b: Array) -> Array:
    """Product."""
    return clamp(a * b, op.clamp)


def clip(op: Clip, node: Node, x: Array) -> Array:
    """Clamp."""
    return clamp(x, op.clamp)


def batch_norm(
    op: BatchNorm, node: Node, x: Array, scale: Array, bias: Array, mean: Array, variance: Array
) -> Array:
    """Inference form of batch normalization."""
    shape = [1] * x.ndim
    shape[op.axis] = -1
    factor = scale / np.sqrt(variance + np.float32(op.epsilon))
    return np.asarray(
        (x - mean.reshape(shape)) * factor.reshape(shape) + bias.reshape(shape), np.float32
    )


def max_pool(op: MaxPool2D, node: Node, x: Array) -> Array:
    """Maximum over a window."""
    return clamp(_pool(op, x, -np.inf, "max"), op.clamp)


def avg_pool(op: AvgPool2D, node: Node, x: Array) -> Array:
    """Mean over a window."""
    return clamp(_pool(op, x, 0.0, "mean"), op.clamp)


def _pool(op: MaxPool2D | AvgPool2D, x: Array, padding: float, mode: str) -> Array:
    nchw = op.layout == "NCHW"
    if nchw:
        x = x.transpose(TO_NHWC)
    views = [view for _, _, view in taps(pad_spatial(x, op.window, padding), op.window, op.kernel)]
    out = views[0].copy()
    for view in views[1:]:
        (np.maximum if mode == "max" else np.add)(out, view, out=out)
    if mode == "mean":
        whole = isinstance(op, AvgPool2D) and op.include_pad
        counts = len(views) if whole else window_counts(x.shape, op.window, op.kernel)
        out /= np.asarray(counts, np.float32)
    return np.ascontiguousarray(out.transpose(TO_NCHW)) if nchw else out


def mean(op: Mean, node: Node, x: Array) -> Array:
    """Mean over axes."""
    return np.asarray(x.mean(axis=op.axes, keepdims=op.keepdims, dtype=np.float32))


def softmax(op: Softmax, node: Node, x: Array) -> Array:
    """Softmax of ``beta * x``, the maximum subtracted first."""
    powers = np.exp((x - x.max(axis=op.axis, keepdims=True)) * np.float32(op.beta))
    return np.asarray(powers / powers.sum(axis=op.axis, keepdims=True))


def log_softmax(op: LogSoftmax, node: Node, x: Array) -> Array:
    """``x - max - log(sum(exp(x - max)))``."""
    below = x - x.max(axis=op.axis, keepdims=True)
    return np.asarray(below - np.log(np.exp(below).sum(axis=op.axis, keepdims=True)))


def quantize(op: Quantize, node: Node, x: Array) -> Array:
    """Real to integer by the output's quantization."""
    type_ = node.output.type
    assert type_.quant is not None
    scale, zero_point = spread(type_.quant, x.ndim)
    ratio = x.astype(np.float32) / scale
    whole = np.rint(ratio) if op.half_even else round_half_away(ratio)
    low, high = type_.dtype.bounds
    return np.asarray(np.clip(whole + zero_point, low, high).astype(type_.dtype.numpy))


def dequantize(op: Dequantize, node: Node, x: Array) -> Array:
    """Integer to real by the input's quantization."""
    quant = node.input(0).type.quant
    assert quant is not None
    scale, zero_point = spread(quant, x.ndim)
    return np.asarray((x.astype(np.int64) - zero_point).astype(np.float32) * scale)


def spread(quant: Quant, rank: int) -> tuple[Array, Array]:
    """Scale (float32) and zero point (int64) shaped to broadcast over a tensor of this rank."""
    shape = [1] * rank
    if quant.axis is not None:
        shape[quant.axis] = len(quant.scale)
    scale = np.array(quant.scale, np.float32).reshape(shape)
    return scale, np.array(quant.zero_point, np.int64).reshape(shape)
