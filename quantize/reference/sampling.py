"""Definitions of the operators that compute elements between those of a tensor."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from edgekit.ir import Node
from edgekit.ir.ops import GridSample, Op, Resample
from edgekit.ir.ops.sampling import TAPS

Array = NDArray[Any]


def resample(op: Resample, node: Node, x: Array, indices: Array, weights: Array) -> Array:
    """Weighted sums of elements along an axis."""
    lines = np.moveaxis(x, op.axis, 0)
    taken = lines[indices]
    sums = np.asarray(np.einsum("jk...,jk->j...", taken, weights), x.dtype)
    return np.ascontiguousarray(np.moveaxis(sums, 0, op.axis))


def grid_sample(op: GridSample, node: Node, x: Array, grid: Array) -> Array:
    """Weighted sums of the neighbours of each position of the grid."""
    rank, taps = x.ndim - 2, TAPS[op.mode]
    points = grid.reshape(grid.shape[0], -1, rank)
    axes = [_neighbours(op, x.shape[2 + a], points[..., rank - 1 - a]) for a in range(rank)]
    total = np.zeros((*x.shape[:2], points.shape[1]), np.float32)
    batch = np.arange(x.shape[0])[:, None]
    for chosen in np.ndindex(*(taps,) * rank):
        places = [axes[a][0][k] for a, k in enumerate(chosen)]
        weight = np.prod([axes[a][1][k] for a, k in enumerate(chosen)], axis=0)
        weight = np.where(np.min(places, axis=0) < 0, 0, weight)
        taken = np.moveaxis(x, 1, -1)[(batch, *(np.maximum(p, 0) for p in places))]
        total += np.moveaxis(taken * weight[..., None], -1, 1)
    return total.reshape(*x.shape[:2], *grid.shape[1:-1]).astype(np.float32)


def _neighbours(op: GridSample, size: int, at: Array) -> tuple[list[Array], list[Array]]:
    """Places (-1: none) and weights of the neighbours along one axis."""
    low, high = (0.0, size - 1.0) if op.align_corners else (-0.5, size - 0.5)
    x = (at + 1) / 2 * (size - 1) if op.align_corners else ((at + 1) * size - 1) / 2
    x = np.where(np.isnan(x), -1e6, np.clip(x, -1e6, 1e6)).astype(np.float32)
    x = np.rint(x) if op.mode == "nearest" else x
    outside = (x < low) | (x > high)
    if op.padding == "border":
        x = np.where(outside, np.clip(x, 0, size - 1), x)
    elif op.padding == "reflection":
        x = np.where(outside, _reflect(x, low, high), x)
    base = np.floor(x)
    first = base - 1 if op.mode == "cubic" else base
    places = [_place(op, size, first + k, low, high) for k in range(TAPS[op.mode])]
    return places, _weights(op.mode, x - base)


def _reflect(x: Array, low: float, high: float) -> Array:
    """Back and forth between the borders."""
    if high <= low:
        return np.full_like(x, low)
    over = np.where(x < low, low - x, x - high)
    turns = np.floor(over / (high - low))
    rest = over - turns * (high - low)
    upwards = (x < low) == (turns % 2 == 0)
    return np.asarray(np.where(upwards, low + rest, high - rest))


def _place(op: GridSample, size: int, x: Array, low: float, high: float) -> Array:
    if op.padding == "reflection":
        x = np.where((x < low) | (x > high), np.trunc(_reflect(x, low, high)), x)
    inside = (x >= 0) & (x <= size - 1)
    bounded = np.clip(x, 0, size - 1).astype(np.int64)
    return bounded if op.padding != "zeros" else np.where(inside, bounded, -1)


def _weights(mode: str, f: Array) -> list[Array]:
    """Linear weights, or those of Keys' cubic kernel with a = -0.75."""
    if mode == "nearest":
        return [np.ones_like(f)]
    if mode == "linear":
        return [1 - f, f]
    near = [(1.25 * d - 2.25) * d * d + 1 for d in (f, 1 - f)]
    far = [((-0.75 * d + 3.75) * d - 6) * d + 3 for d in (f + 1, 2 - f)]
    return [far[0], near[0], near[1], far[1]]


DEFINITIONS: dict[type[Op], Callable[..., Array]] = {
    GridSample: grid_sample,
    Resample: resample,
}
