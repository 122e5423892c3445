"""Definitions of reductions, ranking and running sums; integers wrap in their own range."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from edgekit.ir import Node
from edgekit.ir.ops import ArgReduce, Cumulate, Op, Reduce, TopK

Array = NDArray[Any]


def reduce(op: Reduce, node: Node, x: Array) -> Array:
    """A function of the elements along some axes."""
    options: dict[str, Any] = {"axis": op.axes, "keepdims": op.keepdims}
    if op.function in ("max", "min"):
        return np.asarray((np.max if op.function == "max" else np.min)(x, **options))
    wide = x if x.dtype.kind == "f" else x.astype(np.uint64 if x.dtype.kind == "u" else np.int64)
    with np.errstate(all="ignore"):
        match op.function:
            case "prod":
                found = np.prod(wide, **options)
            case "l1":
                found = np.sum(np.abs(wide), **options)
            case "sum_square":
                found = np.sum(wide * wide, **options)
            case "mean":
                found = _mean(op, wide, options)
            case _:
                found = np.sum(wide, **options)
        return np.asarray(found).astype(x.dtype)


def _mean(op: Reduce, x: Array, options: dict[str, Any]) -> Any:
    count = math.prod(x.shape[a] for a in op.axes)
    if x.dtype.kind == "f":
        return np.mean(x, **options)
    total = np.sum(x, **options)
    return total // count + ((total < 0) & (total % count != 0))


def arg_reduce(op: ArgReduce, node: Node, x: Array) -> Array:
    """Position of an extreme element."""
    best = np.argmax if op.largest else np.argmin
    if op.last:
        found = x.shape[op.axis] - 1 - best(np.flip(x, op.axis), axis=op.axis)
    else:
        found = best(x, axis=op.axis)
    found = np.expand_dims(found, op.axis) if op.keepdims else found
    return np.asarray(found).astype(op.to.numpy)


def top_k(op: TopK, node: Node, x: Array) -> tuple[Array, Array]:
    """The first ``k`` elements in order, and their positions."""
    if op.largest:  # sorted backwards from the end, so that of equal elements the first leads
        order = np.argsort(np.flip(x, op.axis), axis=op.axis, kind="stable")
        order = np.flip(x.shape[op.axis] - 1 - order, op.axis)
    else:
        order = np.argsort(x, axis=op.axis, kind="stable")
    order = np.take(order, np.arange(op.k), axis=op.axis)
    return np.take_along_axis(x, order, axis=op.axis), order.astype(op.to.numpy)


def cumulate(op: Cumulate, node: Node, x: Array) -> Array:
    """Running sum or product."""
    walk = np.flip(x, op.axis) if op.reverse else x
    with np.errstate(all="ignore"):
        run = (np.cumsum if op.function == "sum" else np.cumprod)(walk, op.axis, dtype=x.dtype)
    if op.exclusive:
        neutral = np.full_like(np.take(run, [0], op.axis), 0 if op.function == "sum" else 1)
        last = np.take(run, np.arange(x.shape[op.axis] - 1), op.axis)
        run = np.concatenate([neutral, last], op.axis)
    return np.ascontiguousarray(np.flip(run, op.axis) if op.reverse else run)


DEFINITIONS: dict[type[Op], Callable[..., Array | tuple[Array, ...]]] = {
    ArgReduce: arg_reduce,
    Cumulate: cumulate,
    Reduce: reduce,
    TopK: top_k,
}
