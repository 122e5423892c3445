"""Definitions of the operators that compute elements between those of a tensor."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from edgekit.ir import Node
from edgekit.ir.ops import Op, Resample

Array = NDArray[Any]


def resample(op: Resample, node: Node, x: Array, indices: Array, weights: Array) -> Array:
    """Weighted sums of elements along an axis."""
    lines = np.moveaxis(x, op.axis, 0)
    taken = lines[indices]
    sums = np.asarray(np.einsum("jk...,jk->j...", taken, weights), x.dtype)
    return np.ascontiguousarray(np.moveaxis(sums, 0, op.axis))


DEFINITIONS: dict[type[Op], Callable[..., Array]] = {
    Resample: resample,
}
