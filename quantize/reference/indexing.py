"""Definitions of the operators whose indices are data, exact in every element type."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from edgekit.ir import Node
from edgekit.ir.ops import Gather, GatherElements, GatherND, Op, ScatterElements, ScatterND

Array = NDArray[Any]

REDUCTIONS: dict[str, Callable[[Any, Any], Any]] = {
    "none": lambda old, new: new,
    "add": lambda old, new: old + new,
    "mul": lambda old, new: old * new,
    "min": np.minimum,
    "max": np.maximum,
}
"""What becomes of an element that an update meets."""


def bounded(indices: Array, size: int) -> NDArray[np.int64]:
    """Indices from the start of an axis: negative ones count from its end, others are bounded."""
    whole = indices.astype(np.int64)
    return np.asarray(np.clip(np.where(whole < 0, whole + size, whole), 0, size - 1))


def gather(op: Gather, node: Node, x: Array, indices: Array) -> Array:
    """Slices along an axis."""
    return np.take(x, bounded(indices, x.shape[op.axis]), axis=op.axis)


def gather_elements(op: GatherElements, node: Node, x: Array, indices: Array) -> Array:
    """One element for each index."""
    return np.asarray(x[_positions(op.axis, x, indices)])


def gather_nd(op: GatherND, node: Node, x: Array, indices: Array) -> Array:
    """One slice for each vector of indices."""
    batch, outer = op.batch_dims, indices.shape[: op.batch_dims]
    rows = x.reshape(math.prod(outer), *x.shape[batch:])
    points = indices.reshape(len(rows), -1, indices.shape[-1])
    taken = [row[_coordinates(point, row.shape)] for row, point in zip(rows, points, strict=True)]
    return np.stack(taken).reshape(node.op.infer([x.shape, indices.shape])[0])


def scatter_elements(
    op: ScatterElements, node: Node, x: Array, indices: Array, updates: Array
) -> Array:
    """One element replaced (or reduced) for each index."""
    places = _positions(op.axis, x, indices)
    flat = [np.broadcast_to(p, indices.shape).reshape(-1) for p in places]
    return _scatter(x, zip(*flat, strict=True), updates.reshape(-1), op.reduction)


def scatter_nd(op: ScatterND, node: Node, x: Array, indices: Array, updates: Array) -> Array:
    """One slice replaced (or reduced) for each vector of indices."""
    depth = indices.shape[-1]
    places = _coordinates(indices.reshape(-1, depth), x.shape)
    count = math.prod(indices.shape[:-1])
    points = zip(*places, strict=True) if places else iter([()] * count)
    return _scatter(x, points, updates.reshape(count, *x.shape[depth:]), op.reduction)


def _scatter(x: Array, points: Any, updates: Array, reduction: str) -> Array:
    result = np.array(x)
    meet = REDUCTIONS[reduction]
    with np.errstate(over="ignore"):
        for point, update in zip(points, updates, strict=True):
            result[point] = meet(result[point], update)
    return result


def _positions(axis: int, x: Array, indices: Array) -> tuple[Array, ...]:
    places: list[Array] = list(np.ogrid[tuple(slice(n) for n in indices.shape)])
    places[axis] = bounded(indices, x.shape[axis])
    return tuple(places)


def _coordinates(points: Array, shape: tuple[int, ...]) -> tuple[Array, ...]:
    return tuple(bounded(points[:, k], shape[k]) for k in range(points.shape[1]))


DEFINITIONS: dict[type[Op], Callable[..., Array]] = {
    Gather: gather,
    GatherElements: gather_elements,
    GatherND: gather_nd,
    ScatterElements: scatter_elements,
    ScatterND: scatter_nd,
}
