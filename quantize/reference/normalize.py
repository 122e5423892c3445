"""Definitions of the normalisations, in float32."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from edgekit.ir import Node
from edgekit.ir.ops import LocalResponseNorm, Normalize, Op

Array = NDArray[Any]


def normalize(
    op: Normalize, node: Node, x: Array, scale: Array | None = None, bias: Array | None = None
) -> Array | tuple[Array, ...]:
    """x by its standard deviation, root mean square or norm over the last axes."""
    axes = tuple(range(op.axis, x.ndim))
    kwargs: dict[str, Any] = {"axis": axes, "keepdims": True}
    epsilon = np.float32(op.epsilon)
    mean = np.mean(x, **kwargs)
    variance = np.mean(np.square(x - mean), **kwargs)
    if op.function == "variance":
        y = (x - mean) / np.sqrt(variance + epsilon)
    elif op.function == "rms":
        y = x / np.sqrt(np.mean(np.square(x), **kwargs) + epsilon)
    else:
        norm = np.sum(np.abs(x), **kwargs)
        if op.function == "l2":
            norm = np.sqrt(np.sum(np.square(x), **kwargs))
        size = np.maximum(norm, epsilon)
        y = x / np.where(size == 0, np.float32(1), size)
    y = y if scale is None else y * scale
    y = y if bias is None else y + bias
    return (y, mean, variance) if op.statistics else y


def local_response_norm(op: LocalResponseNorm, node: Node, x: Array) -> Array:
    """Squares summed over a window along one axis."""
    pads = [(0, 0)] * x.ndim
    pads[op.axis] = (op.before, op.after)
    squares = np.pad(np.square(x), pads)
    views = np.lib.stride_tricks.sliding_window_view(
        squares, op.before + op.after + 1, axis=op.axis
    )
    base = np.float32(op.bias) + np.float32(op.alpha) * views.sum(axis=-1)
    return np.asarray(x * base ** np.float32(-op.beta))


DEFINITIONS: dict[type[Op], Callable[..., Any]] = {
    LocalResponseNorm: local_response_norm,
    Normalize: normalize,
}
