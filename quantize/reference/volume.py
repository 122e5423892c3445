"""Definitions of convolutions and pools over any number of spatial axes."""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
from numpy.typing import NDArray

from edgekit.ir import Node
from edgekit.ir.ops import ConvNd, ConvTranspose, MaxPoolIndices, Op, PoolNd, Span
from quantize.reference.real import clamp

Array = NDArray[Any]


def _first(x: Array, op: ConvNd | ConvTranspose | PoolNd) -> Array:
    """The array with its channels first."""
    return np.moveaxis(x, -1, 1) if op.channels_last else x


def _own(y: Array, op: ConvNd | ConvTranspose | PoolNd) -> Array:
    """From channels first to the operator's order."""
    return np.ascontiguousarray(np.moveaxis(y, 1, -1) if op.channels_last else y)


def _padded(x: Array, span: Span, value: float) -> Array:
    pads = [(0, 0), (0, 0), *zip(span.before, span.after, strict=True)]
    return np.pad(x, pads, constant_values=value)


def _taps(
    x: Array, span: Span, kernel: tuple[int, ...], out: tuple[int, ...]
) -> Iterator[tuple[tuple[int, ...], Array]]:
    """For each kernel position the view of a padded input (n, c, spatial...) that it meets."""
    for tap in itertools.product(*map(range, kernel)):
        slices = [
            slice(t * d, t * d + (n - 1) * s + 1, s)
            for t, d, s, n in zip(tap, span.dilations, span.strides, out, strict=True)
        ]
        yield tap, x[:, :, *slices]


def _matrix(weights: Array, tap: tuple[int, ...]) -> Array:
    """The weights of one tap: (out, in / groups)."""
    index: tuple[Any, ...] = (slice(None), slice(None), *tap)
    return np.asarray(weights[index])


def _product(view: Array, weights: Array, groups: int) -> Array:
    """(n, c, ...) by (out, c / groups): what one tap adds, (n, out, ...)."""
    samples, channels, *size = view.shape
    columns = view.reshape(samples, groups, channels // groups, -1)
    matrix = weights.reshape(groups, -1, channels // groups)
    return np.asarray((matrix @ columns).reshape(samples, weights.shape[0], *size))


def _finish(op: ConvNd | ConvTranspose, total: Array, bias: Array | None) -> Array:
    if bias is not None:
        total = total + bias.reshape(-1, *[1] * (total.ndim - 2))
    return _own(clamp(total, op.clamp), op)


def conv(op: ConvNd, node: Node, x: Array, weights: Array, bias: Array | None = None) -> Array:
    """Convolution, tap by tap."""
    x, kernel = _first(x, op), weights.shape[2:]
    out = op.span.output(x.shape[2:], kernel)
    total = np.zeros((x.shape[0], weights.shape[0], *out), x.dtype)
    for tap, view in _taps(_padded(x, op.span, 0), op.span, kernel, out):
        total += _product(view, _matrix(weights, tap), op.groups)
    return _finish(op, total, bias)


def conv_transpose(
    op: ConvTranspose, node: Node, x: Array, weights: Array, bias: Array | None = None
) -> Array:
    """Transposed convolution: every tap adds the whole input at its own place."""
    x, kernel = _first(x, op), weights.shape[2:]
    spread = zip(x.shape[2:], kernel, op.strides, op.dilations, op.before, op.size, strict=True)
    whole = [max((n - 1) * s + (k - 1) * d + 1, b + m) for n, k, s, d, b, m in spread]
    total = np.zeros((x.shape[0], weights.shape[0], *whole), x.dtype)
    for tap in itertools.product(*map(range, kernel)):
        place = [
            slice(t * d, t * d + (n - 1) * s + 1, s)
            for t, d, s, n in zip(tap, op.dilations, op.strides, x.shape[2:], strict=True)
        ]
        part = _product(x, _matrix(weights, tap), op.groups)
        total[:, :, *place] += part
    crop = [slice(b, b + m) for b, m in zip(op.before, op.size, strict=True)]
    return _finish(op, total[:, :, *crop], bias)


def _lowest(dtype: np.dtype[Any]) -> float:
    return -np.inf if dtype.kind == "f" else int(np.iinfo(dtype).min)


def pool(op: PoolNd, node: Node, x: Array) -> Array:
    """Maximum, mean or norm over the taps that lie inside the input."""
    x = _first(x, op)
    out = op.span.output(x.shape[2:], op.kernel)
    padded = _padded(x, op.span, _lowest(x.dtype) if op.function == "max" else 0)
    views = (view for _, view in _taps(padded, op.span, op.kernel, out))
    if op.function == "max":
        total = next(views).copy()
        for view in views:
            np.maximum(total, view, out=total)
    elif op.function == "mean":
        inside = _padded(np.ones((1, 1, *x.shape[2:]), x.dtype), op.span, 0)
        count = sum(view for _, view in _taps(inside, op.span, op.kernel, out))
        total = np.asarray(sum(views) / count)
    else:
        powers = sum(np.abs(view) ** x.dtype.type(op.p) for view in views)
        total = np.asarray(powers ** x.dtype.type(1 / op.p))
    return _own(total.astype(x.dtype, copy=False), op)


def max_pool_indices(op: MaxPoolIndices, node: Node, x: Array) -> tuple[Array, Array]:
    """The maximum and its index; of equal ones the first."""
    size = x.shape[2:]
    out = op.span.output(size, op.kernel)
    positions: Array = np.arange(math.prod(size), dtype=np.int64)
    positions = positions.reshape(size, order="F" if op.column_major else "C")
    planes = np.arange(x.shape[0] * x.shape[1]).reshape(x.shape[:2]) * math.prod(size)
    where = planes.reshape(*x.shape[:2], *[1] * len(size)) + positions
    pairs = zip(
        _taps(_padded(x, op.span, _lowest(x.dtype)), op.span, op.kernel, out),
        _taps(_padded(where, op.span, -1), op.span, op.kernel, out),
        strict=True,
    )
    best = np.full((*x.shape[:2], *out), _lowest(x.dtype), x.dtype)
    index = np.full(best.shape, -1, np.int64)
    for (_, value), (_, at) in pairs:
        better = (at >= 0) & ((index < 0) | (value > best))
        best, index = np.where(better, value, best), np.where(better, at, index)
    return best, index


DEFINITIONS: dict[type[Op], Callable[..., Any]] = {
    MaxPoolIndices: max_pool_indices,
    PoolNd: pool,
}
