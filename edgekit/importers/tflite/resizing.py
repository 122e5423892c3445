"""Handlers of RESIZE_BILINEAR and RESIZE_NEAREST_NEIGHBOR."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from edgekit.importers.tflite.context import Context
from edgekit.importers.tflite.reader import RawOperator
from edgekit.importers.tflite.steps import constant, finish, numbers, step
from edgekit.ir import DType, Value
from edgekit.ir.ops import Gather, Op, QResizeBilinear, Resample


def _size(ctx: Context, op: RawOperator, x: Value) -> tuple[int, int]:
    size = numbers(ctx, op, 1, "size")
    if len(x.type.shape) != 4 or len(size) != 2 or min(size) < 1:
        ctx.refuse(op, f"size {size} for shape {list(x.type.shape)}", "two numbers, 4 dimensions")
    return size[0], size[1]


def _scale(count: int, size: int, align: bool) -> np.float32:
    if align and size > 1:
        return np.float32(np.float32(count - 1) / np.float32(size - 1))
    return np.float32(np.float32(count) / np.float32(size))


def nearest(ctx: Context, op: RawOperator) -> None:
    """RESIZE_NEAREST_NEIGHBOR: a choice of rows, then of columns."""
    ctx.check_activations(op)
    options = ctx.options(op, "ResizeNearestNeighborOptions")
    x = ctx.value(op, 0)
    size = _size(ctx, op, x)
    offset = np.float32(0.5 if options.HalfPixelCenters() else 0.0)
    tables = []
    for axis in (1, 2):
        count, wanted = x.type.shape[axis], size[axis - 1]
        at = (np.arange(wanted, dtype=np.float32) + offset) * _scale(
            count, wanted, options.AlignCorners()
        )
        # TFLite rounds half away from zero; the positions are not negative.
        place = np.floor(at + np.float32(0.5)) if options.AlignCorners() else np.floor(at)
        tables.append(np.clip(place, 0, count - 1).astype(np.int32))
    rows = step(ctx, op, Gather(1), [x, constant(ctx, op, tables[0])])
    finish(ctx, op, Gather(2), [rows, constant(ctx, op, tables[1])])


def bilinear(ctx: Context, op: RawOperator) -> None:
    """RESIZE_BILINEAR: two weighted sums in float, one kernel in integers."""
    ctx.check_activations(op)
    options = ctx.options(op, "ResizeBilinearOptions")
    align, half = bool(options.AlignCorners()), bool(options.HalfPixelCenters())
    x = ctx.value(op, 0)
    size = _size(ctx, op, x)
    if x.type.dtype in (DType.INT8, DType.INT16):
        finish(ctx, op, QResizeBilinear(size, align, half), [x])
        return
    if x.type.dtype is not DType.FLOAT32:
        ctx.refuse(op, f"input of type {x.type.dtype.value}", "float32, int8, int16")
    rows, columns = (_weights(x.type.shape[i], size[i - 1], align, half) for i in (1, 2))
    y = step(ctx, op, *_resample(ctx, op, 1, x, rows))
    finish(ctx, op, *_resample(ctx, op, 2, y, columns))


def _resample(
    ctx: Context, op: RawOperator, axis: int, x: Value, tables: tuple[NDArray[Any], NDArray[Any]]
) -> tuple[Op, list[Value]]:
    return Resample(axis), [x, *(constant(ctx, op, t) for t in tables)]


def _weights(count: int, size: int, align: bool, half: bool) -> tuple[NDArray[Any], NDArray[Any]]:
    """Neighbours and their weights for each result along an axis."""
    scale = _scale(count, size, align)
    i = np.arange(size, dtype=np.float32)
    at = (i + np.float32(0.5)) * scale - np.float32(0.5) if half else i * scale
    lower = np.maximum(np.floor(at), 0)
    upper = np.minimum(np.ceil(at), count - 1)
    share = (at - lower).astype(np.float32)
    indices = np.clip(np.stack([lower, upper], 1), 0, count - 1)
    return indices.astype(np.int32), np.stack([1 - share, share], 1).astype(np.float32)
