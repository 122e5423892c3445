"""Definitions of the operators that only move elements, exact in every element type."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from numpy.typing import NDArray

from edgekit.ir import Node
from edgekit.ir.ops import Concat, Expand, Pad, Reshape, Slice, Transpose

Array = NDArray[Any]


def reshape(op: Reshape, node: Node, x: Array) -> Array:
    """The same elements; the leading dimension grows with the number of samples."""
    samples = x.size // max(math.prod(op.shape), 1)
    return x.reshape(samples * op.shape[0], *op.shape[1:]) if op.shape else x.reshape(())


def transpose(op: Transpose, node: Node, x: Array) -> Array:
    """Axes permuted."""
    return np.array(x.transpose(op.perm), order="C")


def pad(op: Pad, node: Node, x: Array, fill: Array | None = None) -> Array:
    """Constant padding."""
    value: Any = op.value if x.dtype.kind == "f" else int(op.value)
    if fill is not None:
        value = fill.reshape(-1)[0]
    return np.pad(x, tuple(zip(op.before, op.after, strict=True)), constant_values=value)


def concat(op: Concat, node: Node, *inputs: Array) -> Array:
    """Inputs joined along an axis; a constant part is repeated for every sample."""
    samples = max(x.shape[0] for x in inputs)
    same = [
        x if x.shape[0] == samples or op.axis == 0 else np.broadcast_to(x, (samples, *x.shape[1:]))
        for x in inputs
    ]
    return np.concatenate(same, axis=op.axis)


def slice_(op: Slice, node: Node, x: Array) -> Array:
    """Elements at equal distances on every axis."""
    for axis, (start, size, step) in enumerate(zip(op.starts, op.sizes, op.steps, strict=True)):
        if (start, size, step) != (0, node.input(0).type.shape[axis], 1):
            x = np.take(x, start + step * np.arange(size), axis=axis)
    return x


def expand(op: Expand, node: Node, x: Array) -> Array:
    """Axes of one element repeated."""
    return np.array(np.broadcast_to(x, op.shape), order="C")
