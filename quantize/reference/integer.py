"""Definitions of the integer operators: exact, so every implementation can be compared bit for bit.

Sums of int8 products run through BLAS in a floating type that holds every partial sum exactly:
float32 while the largest possible sum stays below 2**24, float64 otherwise (below 2**53, which no
int32 accumulator reaches).
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from edgekit.ir import Node
from edgekit.ir.ops import (
    QAdd,
    QAvgPool2D,
    QClip,
    QConv2D,
    QConvTranspose,
    QDense,
    QMatMul,
    QMaxPool2D,
    QMean,
    QRescale,
    QSoftmax,
    Requant,
    Rescale,
    Rounding,
)
from quantize.reference.fixedpoint import exp_on_negative_values, multiply, reciprocal
from quantize.reference.volume import conv_transpose
from quantize.reference.windows import convolve, pad_spatial, taps, window_counts
from quantize.requantize import (
    requantize,
    rounding_divide_by_pot,
    scale_accumulator,
)

Array = NDArray[Any]
_ACCUMULATION_BITS = 12
_OUTPUT_BITS = 8


def _exact_float(weights: Array, x: Array) -> Any:
    largest = np.abs(weights.astype(np.int64)).reshape(weights.shape[0], -1).sum(axis=1).max()
    reach = 2 ** (8 * x.dtype.itemsize) - 1
    return np.float32 if int(largest) * reach < 2**24 else np.float64


def _result(acc: Array, requant: Requant, node: Node) -> Array:
    return requantize(acc, requant, node.output.type.dtype.numpy)


def qconv2d(op: QConv2D, node: Node, x: Array, weights: Array, bias: Array) -> Array:
    """``acc = bias + sum (x - x_zero) * (w - w_zero)``; padding contributes nothing."""
    weights = weights.astype(np.int16) - op.w_zero
    kind = _exact_float(weights, x)
    centred = pad_spatial(x.astype(kind) - kind(op.x_zero), op.window, 0)
    acc = convolve(centred, weights, op.window, op.groups).astype(np.int64) + bias
    return _result(acc, op.requant, node)


def qconv_transpose(op: QConvTranspose, node: Node, x: Array, weights: Array, bias: Array) -> Array:
    """``acc = bias + sum (x - x_zero) * w`` over what reaches each position."""
    centred = x.astype(np.float64) - op.x_zero
    layer = replace(op.layer, clamp=None)
    acc = conv_transpose(layer, node, centred, weights.astype(np.float64)).astype(np.int64) + bias
    return _result(acc, op.requant, node)


def qmatmul(op: QMatMul, node: Node, a: Array, b: Array) -> Array:
    """``acc = sum (a - a_zero) * (b - b_zero)``."""
    acc = (a.astype(np.int64) - op.a_zero) @ (b.astype(np.int64) - op.b_zero)
    return _result(acc, op.requant, node)


def qdense(op: QDense, node: Node, x: Array, weights: Array, bias: Array) -> Array:
    """``acc = bias + sum (x - x_zero) * (w - w_zero)``."""
    weights = weights.astype(np.int16) - op.w_zero
    kind = _exact_float(weights, x)
    acc = ((x.astype(kind) - kind(op.x_zero)) @ weights.T.astype(kind)).astype(np.int64) + bias
    return _result(acc, op.requant, node)


def qadd(op: QAdd, node: Node, a: Array, b: Array) -> Array:
    """Both operands on twice the larger scale, summed, requantized."""
    rule = Rounding.DOUBLE if op.requant.rule is Rounding.DOUBLE else Rounding.SINGLE
    total = _rescale(a, op.first, op.left_shift, rule) + _rescale(b, op.second, op.left_shift, rule)
    return _result(total, op.requant, node)


def _rescale(x: Array, rescale: Rescale, left_shift: int, rule: Rounding) -> NDArray[np.int64]:
    shifted = (x.astype(np.int64) - rescale.zero_point) << left_shift
    return scale_accumulator(shifted, (rescale.multiplier,), (rescale.shift,), rule)


def qmax_pool(op: QMaxPool2D, node: Node, x: Array) -> Array:
    """Maximum over the positions inside the input."""
    views = [v for _, _, v in taps(pad_spatial(x, op.window, -128), op.window, op.kernel)]
    out = views[0].copy()
    for view in views[1:]:
        np.maximum(out, view, out=out)
    return np.clip(out, op.low, op.high)


def qavg_pool(op: QAvgPool2D, node: Node, x: Array) -> Array:
    """``(sum +- count / 2) / count`` in C's truncating division: half away from zero; up where the
    elements were unsigned, 128 higher."""
    padded = pad_spatial(x.astype(np.int64), op.window, 0)
    total = sum(view for _, _, view in taps(padded, op.window, op.kernel))
    count = window_counts(x.shape, op.window, op.kernel)
    if op.half_up:
        return np.asarray(np.clip((total + count // 2) // count, op.low, op.high), np.int8)
    magnitude = (np.abs(total) + count // 2) // count
    return np.asarray(np.clip(np.sign(total) * magnitude, op.low, op.high), np.int8)


def qmean(op: QMean, node: Node, x: Array) -> Array:
    """Sum of ``x - x_zero`` over axes, requantized (per-tensor: the axes may hold channels)."""
    total = x.astype(np.int64) - op.x_zero
    return requantize(total.sum(axis=op.axes, keepdims=op.keepdims), op.requant)


def qclip(op: QClip, node: Node, x: Array) -> Array:
    """Clamp in the tensor's own scale."""
    return np.clip(x, op.low, op.high)


def qrescale(op: QRescale, node: Node, x: Array) -> Array:
    """From one scale and zero point to another."""
    return _result(x.astype(np.int64) - op.x_zero, op.requant, node)


def softmax_powers(op: QSoftmax, diff: NDArray[np.int64]) -> NDArray[np.int64]:
    """exp of differences to a row's maximum, from ``diff_min`` to 0, as Q0.31."""
    return exp_on_negative_values(multiply(diff << op.left_shift, op.multiplier))


def qsoftmax(op: QSoftmax, node: Node, x: Array) -> Array:
    """Softmax over the last axis in fixed point: exp in Q5.26, sum in Q12.19, one reciprocal."""
    diff = x.astype(np.int64) - x.max(axis=-1, keepdims=True)
    used = diff >= op.diff_min
    powers = softmax_powers(op, np.where(used, diff, 0))
    terms = np.where(used, rounding_divide_by_pot(powers, _ACCUMULATION_BITS), 0)
    scale, bits_over_unit = reciprocal(terms.sum(axis=-1, keepdims=True), _ACCUMULATION_BITS)
    exponent = bits_over_unit + 31 - _OUTPUT_BITS
    out = rounding_divide_by_pot(multiply(scale, powers), exponent) - 128
    return np.where(used, np.clip(out, -128, 127), -128).astype(np.int8)
