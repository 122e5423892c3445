"""Operators whose indices are data."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from edgekit.importers.onnx.axes import one_axis, reshaped, take
from edgekit.importers.onnx.context import MAX_ELEMENTS, Call, Refusal
from edgekit.ir import DType, Value
from edgekit.ir.ops import (
    Add,
    Binary,
    Cast,
    Expand,
    Gather,
    GatherElements,
    GatherND,
    Reshape,
    ScatterElements,
    ScatterND,
    Sub,
    Transpose,
    Where,
)
from edgekit.ir.ops.indexing import REDUCTIONS


def _integers(call: Call, value: Value) -> Value:
    """Indices as int32 or int64."""
    if value.type.dtype in (DType.INT32, DType.INT64):
        return value
    return call.add(Cast(DType.INT64), [value], f"{call.output_names[0]}_indices")


def gather(call: Call) -> None:
    """``Gather``: slices along one axis."""
    x = call.value(0)
    axis = one_axis(call.attr_int("axis", 0), len(x.type.shape))
    call.emit(Gather(axis), [x, _integers(call, call.value(1))])


def gather_elements(call: Call) -> None:
    """``GatherElements``."""
    x = call.value(0)
    axis = one_axis(call.attr_int("axis", 0), len(x.type.shape))
    call.emit(GatherElements(axis), [x, _integers(call, call.value(1))])


def gather_nd(call: Call) -> None:
    """``GatherND``."""
    op = GatherND(call.attr_int("batch_dims", 0))
    call.emit(op, [call.value(0), _integers(call, call.value(1))])


def _reduction(call: Call) -> str:
    reduction = call.attr_str("reduction", "none")
    if reduction not in REDUCTIONS:
        raise Refusal(f"reduction {reduction}", ", ".join(REDUCTIONS))
    if call.value(0).type.dtype is DType.BOOL and reduction != "none":
        raise Refusal(f"reduction {reduction} of truth values", "none")
    return reduction


def scatter_elements(call: Call) -> None:
    """``ScatterElements``, and ``Scatter`` as it was called before opset 11."""
    x = call.value(0)
    axis = one_axis(call.attr_int("axis", 0), len(x.type.shape))
    op = ScatterElements(axis, _reduction(call))
    call.emit(op, [x, _integers(call, call.value(1)), call.value(2)])


def scatter_nd(call: Call) -> None:
    """``ScatterND``."""
    op = ScatterND(_reduction(call))
    call.emit(op, [call.value(0), _integers(call, call.value(1)), call.value(2)])


def tensor_scatter(call: Call) -> None:
    """``TensorScatter``: a cache with an update written from a position of each sequence on."""
    cache, update = call.value(0), call.value(1)
    rank, out = len(cache.type.shape), call.output_names[0]
    axis = one_axis(call.attr_int("axis", -2), rank)
    mode = call.attr_str("mode", "linear")
    if mode not in ("linear", "circular"):
        raise Refusal(f"mode {mode}", "linear, circular")
    size, length = cache.type.shape[axis], update.type.shape[axis]
    shape = tuple(length if i == axis else 1 for i in range(rank))
    places = call.array(np.arange(length, dtype=np.int64).reshape(shape))
    if call.has(2):
        first = _integers(call, call.value(2))
        column = (first.type.size, *(1,) * (rank - 1))
        start = reshaped(call, first, column, f"{out}_first")
        places = call.add(Add(), [start, places], f"{out}_places")
    if mode == "circular":
        limit = call.array(np.asarray(size, np.int64))
        over = call.add(Binary("less"), [places, limit], f"{out}_inside")
        wrapped = call.add(Sub(), [places, limit], f"{out}_wrapped")
        places = call.add(Where(), [over, places, wrapped], f"{out}_around")
    places = call.add(Expand(update.type.shape), [places], f"{out}_indices")
    call.emit(ScatterElements(axis), [cache, places, update])


def one_hot(call: Call) -> None:
    """``OneHot``: each index compared with every class, values chosen by the result."""
    indices = call.value(0)
    out, rank = call.output_names[0], len(indices.type.shape) + 1
    depth = int(call.scalar(1, "depth"))
    axis = one_axis(call.attr_int("axis", -1), rank)
    if not 0 < depth * indices.type.size <= MAX_ELEMENTS:
        raise Refusal(f"depth {depth} of {indices.type.size} indices", f"{MAX_ELEMENTS} elements")
    if indices.type.dtype is not DType.INT64:
        indices = call.add(Cast(DType.INT64), [indices], f"{out}_indices")
    shape = list(indices.type.shape)
    shape.insert(axis, 1)
    indices = reshaped(call, indices, shape, f"{out}_column")
    negative = call.add(
        Binary("less"), [indices, call.array(np.asarray(0, np.int64))], f"{out}_negative"
    )
    shifted = call.add(Add(), [indices, call.array(np.asarray(depth, np.int64))], f"{out}_shifted")
    indices = call.add(Where(), [negative, shifted, indices], f"{out}_class")
    classes = np.arange(depth, dtype=np.int64).reshape(
        [-1 if i == axis else 1 for i in range(rank)]
    )
    hit = call.add(Binary("equal"), [indices, call.array(classes)], f"{out}_hit")
    values = call.value(2)
    off, on = (
        reshaped(call, take(call, values, 0, i, 1, f"{out}_{name}"), (), f"{out}_{name}_value")
        for i, name in enumerate(("off", "on"))
    )
    call.emit(Where(), [hit, on, off])


def reverse_sequence(call: Call) -> None:
    """``ReverseSequence``: indices computed from the lengths, then a choice by them."""
    x, lengths = call.value(0), call.value(1)
    time, batch = call.attr_int("time_axis", 0), call.attr_int("batch_axis", 1)
    if {time, batch} != {0, 1}:
        raise Refusal(f"time_axis {time}, batch_axis {batch}", "0 and 1")
    call.result(reversed_sequences(call, x, lengths, time))


def reversed_sequences(call: Call, x: Value, lengths: Value, time: int) -> Value:
    """The first elements along the axis ``time`` in reverse, as many as each sample's length."""
    out = call.output_names[0]
    if time == 0:
        turned = (1, 0, *range(2, len(x.type.shape)))
        x = call.add(Transpose(turned), [x], f"{out}_batch")
    count, steps = x.type.shape[:2]
    column = reshaped(call, _integers(call, lengths), (count, 1), f"{out}_lengths")
    kind = column.type.dtype.numpy
    position = call.array(np.arange(steps, dtype=kind).reshape(1, steps))
    inside = call.add(Binary("less"), [position, column], f"{out}_inside")
    last = call.add(Sub(), [column, call.array(np.asarray(1, kind))], f"{out}_last")
    back = call.add(Sub(), [last, position], f"{out}_back")
    places = call.add(Where(), [inside, back, position], f"{out}_places")
    points = reshaped(call, places, (count, steps, 1), f"{out}_points")
    y = call.add(GatherND(1), [x, points], f"{out}_reversed" if time == 0 else out)
    return call.add(Transpose(turned), [y], out) if time == 0 else y


def col2im(call: Call) -> None:
    """``Col2Im``: columns of overlapping blocks summed into an image, by constant indices."""
    x = call.value(0)
    image, block = call.ints(1, "image_shape"), call.ints(2, "block_shape")
    axes = len(image)
    strides = call.attr_ints("strides") or (1,) * axes
    dilations = call.attr_ints("dilations") or (1,) * axes
    pads = call.attr_ints("pads") or (0,) * (2 * axes)
    counts = [
        (n + pads[i] + pads[i + axes] - dilations[i] * (block[i] - 1) - 1) // strides[i] + 1
        for i, n in enumerate(image)
    ]
    batch, rows, columns = call.rank(0, 3)
    if math.prod(counts) != columns or rows % math.prod(block):
        raise Refusal(f"{rows} x {columns} columns for blocks {block} of {image}")
    places = _places(image, block, counts, strides, dilations, pads)
    planes, out = batch * rows // math.prod(block), call.output_names[0]
    x = call.add(Reshape((planes, places.size)), [x], f"{out}_planes")
    x = call.add(Transpose((1, 0)), [x], f"{out}_elements")
    pixels = math.prod(image)
    # What falls into the padding goes to one more row, which is cut off.
    empty = call.array(np.zeros((pixels + 1, planes), x.type.dtype.numpy))
    indices = call.array(places.reshape(-1, 1))
    y = call.add(ScatterND("add"), [empty, indices, x], f"{out}_sums")
    y = take(call, y, 0, 0, pixels, f"{out}_inside")
    y = call.add(Transpose((1, 0)), [y], f"{out}_image")
    call.emit(Reshape((batch, rows // math.prod(block), *image)), [y])


def _places(
    image: tuple[int, ...],
    block: tuple[int, ...],
    counts: list[int],
    strides: tuple[int, ...],
    dilations: tuple[int, ...],
    pads: tuple[int, ...],
) -> NDArray[np.int64]:
    """Pixel of each (block element, block), one beyond the last for those in the padding."""
    axes = len(image)
    grids = np.indices((*block, *counts)).reshape(2 * axes, -1)
    flat = np.zeros(grids.shape[1], np.int64)
    inside = np.ones(grids.shape[1], bool)
    for i, n in enumerate(image):
        at = grids[axes + i] * strides[i] + grids[i] * dilations[i] - pads[i]
        inside &= (at >= 0) & (at < n)
        flat = flat * n + at
    return np.where(inside, flat, math.prod(image))
