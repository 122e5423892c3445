"""Handlers of operators that cut, repeat and rearrange elements by constants of the file."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np

from edgekit.importers.tflite.context import Context
from edgekit.importers.tflite.reader import RawOperator
from edgekit.importers.tflite.steps import (
    check_inputs,
    constant,
    finish,
    numbers,
    one_axis,
    reshaped,
    result,
    step,
)
from edgekit.ir import Value
from edgekit.ir.ops import Concat, Expand, Gather, Pad, Reshape, Slice, Transpose

REPEATED_AXES = 3
_REFLECT, _SYMMETRIC = 0, 1


def slice_(ctx: Context, op: RawOperator) -> None:
    """SLICE by constant begin and size; -1 is the rest."""
    ctx.check_activations(op)
    x = ctx.value(op, 0)
    begin, size = numbers(ctx, op, 1, "begin"), numbers(ctx, op, 2, "size")
    if not len(begin) == len(size) == len(x.type.shape):
        ctx.refuse(op, f"begin {begin} and size {size} for shape {list(x.type.shape)}")
    sizes = [n - b if s == -1 else s for n, b, s in zip(x.type.shape, begin, size, strict=True)]
    finish(ctx, op, Slice(tuple(begin), tuple(sizes), (1,) * len(begin)), [x])


def strided_slice(ctx: Context, op: RawOperator) -> None:
    """STRIDED_SLICE with every mask; what the masks say goes into a Slice and a Reshape."""
    ctx.check_activations(op)
    options = ctx.options(op, "StridedSliceOptions")
    if options.Offset():
        ctx.refuse(op, "its ends are offsets", "positions")
    x = ctx.value(op, 0)
    begin, end, stride = (
        numbers(ctx, op, i, what) for i, what in ((1, "begin"), (2, "end"), (3, "strides"))
    )
    items: list[slice | int | None] = []
    whole = len(x.type.shape) - sum(
        not (options.NewAxisMask() >> i & 1 or options.EllipsisMask() >> i & 1)
        for i in range(len(begin))
    )
    for i, (b, e, s) in enumerate(zip(begin, end, stride, strict=True)):
        if options.EllipsisMask() >> i & 1:
            items += [slice(None)] * whole
        elif options.NewAxisMask() >> i & 1:
            items.append(None)
        elif options.ShrinkAxisMask() >> i & 1:
            items.append(b)
        else:
            first = None if options.BeginMask() >> i & 1 else b
            items.append(slice(first, None if options.EndMask() >> i & 1 else e, s))
    chosen = [item for item in items if item is not None]
    chosen += [slice(None)] * (len(x.type.shape) - len(chosen))
    walks = []
    for n, item in zip(x.type.shape, chosen, strict=True):
        walks.append(range(n)[item] if isinstance(item, slice) else range(n)[item:][:1])
    starts, sizes, steps = (tuple(p) for p in zip(*((w.start, len(w), w.step) for w in walks),
                                                  strict=True))  # fmt: skip
    y = step(ctx, op, Slice(starts, sizes, steps), [x])
    finish(ctx, op, Reshape(ctx.model.tensors[op.outputs[0]].shape), [y])


def split(ctx: Context, op: RawOperator) -> None:
    """SPLIT into equal parts, SPLIT_V into given ones."""
    equal = op.kind == "SPLIT"
    ctx.check_activations(op, (int(equal),))
    x = ctx.value(op, int(equal))
    axis = one_axis(ctx, op, numbers(ctx, op, 0 if equal else 2, "axis")[0], len(x.type.shape))
    size = x.type.shape[axis]
    if equal:
        sizes = [size // len(op.outputs)] * len(op.outputs)
    else:
        sizes = numbers(ctx, op, 1, "sizes")
        rest = size - sum(s for s in sizes if s != -1)
        sizes = [rest if s == -1 else s for s in sizes]
    if sum(sizes) != size or len(sizes) != len(op.outputs):
        ctx.refuse(op, f"parts {sizes} of an axis of {size} for {len(op.outputs)} outputs")
    start = 0
    for output, width in enumerate(sizes):
        finish(ctx, op, _range(x, axis, start, width), [x], [output])
        start += width


def _range(x: Value, axis: int, start: int, size: int) -> Slice:
    shape = x.type.shape
    starts = tuple(start if i == axis else 0 for i in range(len(shape)))
    sizes = tuple(size if i == axis else n for i, n in enumerate(shape))
    return Slice(starts, sizes, (1,) * len(shape))


def unpack(ctx: Context, op: RawOperator) -> None:
    """UNPACK along an axis, which disappears."""
    ctx.check_activations(op)
    x = ctx.value(op, 0)
    axis = one_axis(ctx, op, ctx.options(op, "UnpackOptions").Axis(), len(x.type.shape))
    if len(op.outputs) != x.type.shape[axis]:
        ctx.refuse(op, f"{len(op.outputs)} outputs of an axis of {x.type.shape[axis]}")
    rest = tuple(n for i, n in enumerate(x.type.shape) if i != axis)
    for output in range(len(op.outputs)):
        part = step(ctx, op, _range(x, axis, output, 1), [x])
        finish(ctx, op, Reshape(rest), [part], [output])


def pack(ctx: Context, op: RawOperator) -> None:
    """PACK along a new axis."""
    positions = range(len(op.inputs))
    ctx.check_activations(op, positions)
    values = [ctx.value(op, i) for i in positions]
    shape = values[0].type.shape
    axis = one_axis(ctx, op, ctx.options(op, "PackOptions").Axis(), len(shape) + 1)
    wide = (*shape[:axis], 1, *shape[axis:])
    finish(ctx, op, Concat(axis), [reshaped(ctx, op, v, wide) for v in values])


def broadcast(ctx: Context, op: RawOperator) -> None:
    """BROADCAST_TO and FILL: an Expand to the file's shape."""
    data = 1 if op.kind == "FILL" else 0
    ctx.check_activations(op, (data,))
    finish(ctx, op, Expand(ctx.model.tensors[op.outputs[0]].shape), [ctx.value(op, data)])


def tile(ctx: Context, op: RawOperator) -> None:
    """TILE: (n, ...) -> (1, n, ...) -> (r, n, ...) -> (r n, ...), a few axes at a time."""
    ctx.check_activations(op)
    x = ctx.value(op, 0)
    repeats = numbers(ctx, op, 1, "multiples")
    if len(repeats) != len(x.type.shape) or min(repeats, default=1) < 1:
        ctx.refuse(op, f"multiples {repeats} for shape {list(x.type.shape)}")
    left = [i for i, r in enumerate(repeats) if r != 1]
    while left:
        chosen, left = set(left[-REPEATED_AXES:]), left[:-REPEATED_AXES]
        pairs = [(repeats[i] if i in chosen else 1, n) for i, n in enumerate(x.type.shape)]
        ones = [m for r, n in pairs for m in ((1, n) if r != 1 else (n,))]
        wide = tuple(m for r, n in pairs for m in ((r, n) if r != 1 else (n,)))
        x = step(ctx, op, Expand(wide), [reshaped(ctx, op, x, ones)])
        x = reshaped(ctx, op, x, [r * n for r, n in pairs])
    finish(ctx, op, Reshape(x.type.shape), [x])


def reverse(ctx: Context, op: RawOperator) -> None:
    """REVERSE_V2 along constant axes."""
    ctx.check_activations(op)
    x = ctx.value(op, 0)
    shape = x.type.shape
    axes = {one_axis(ctx, op, a, len(shape)) for a in numbers(ctx, op, 1, "axes")}
    starts = tuple(n - 1 if i in axes else 0 for i, n in enumerate(shape))
    finish(ctx, op, Slice(starts, shape, tuple(-1 if i in axes else 1 for i in range(len(shape)))),
           [x])  # fmt: skip


def _sides(ctx: Context, op: RawOperator, rank: int) -> tuple[tuple[int, ...], tuple[int, ...]]:
    sides = ctx.integers(op, 1, "paddings")
    if sides.shape != (rank, 2) or sides.min() < 0:
        ctx.refuse(op, f"paddings {sides.tolist()} for {rank} dimensions")
    before, after = (tuple(int(n) for n in side) for side in sides.T)
    return before, after


def pad_v2(ctx: Context, op: RawOperator) -> None:
    """PADV2: the number around the input is an input too."""
    ctx.check_activations(op, (0, 2))
    x, fill = ctx.value(op, 0), ctx.value(op, 2)
    finish(ctx, op, Pad(*_sides(ctx, op, len(x.type.shape))), [x, reshaped(ctx, op, fill, (1,))])


def mirror_pad(ctx: Context, op: RawOperator) -> None:
    """MIRROR_PAD: along each axis a choice by constant indices."""
    ctx.check_activations(op)
    x = ctx.value(op, 0)
    before, after = _sides(ctx, op, len(x.type.shape))
    mode = ctx.options(op, "MirrorPadOptions").Mode()
    if mode not in (_REFLECT, _SYMMETRIC):
        ctx.refuse(op, f"mode {mode}", "REFLECT, SYMMETRIC")
    for axis, n in enumerate(x.type.shape):
        if max(before[axis], after[axis]) > n - (mode == _REFLECT):
            ctx.refuse(op, f"paddings {before[axis]}, {after[axis]} of an axis of {n}")
        if before[axis] or after[axis]:
            order = np.arange(n)
            sides = (before[axis], after[axis])
            if mode == _REFLECT:
                padded = np.pad(order, sides, "reflect")
            else:
                padded = np.pad(order, sides, "symmetric")
            x = step(ctx, op, Gather(axis), [x, constant(ctx, op, padded.astype(np.int32))])
    finish(ctx, op, Reshape(x.type.shape), [x])


def depth_to_space(ctx: Context, op: RawOperator) -> None:
    """DEPTH_TO_SPACE in NHWC."""
    ctx.check_activations(op)
    n, h, w, c = _four(ctx, op)
    block = int(ctx.options(op, "DepthToSpaceOptions").BlockSize())
    if block < 1 or c % (block * block):
        ctx.refuse(op, f"block size {block} for {c} channels")
    shape = (n, h, w, block, block, c // (block * block))
    _rearrange(ctx, op, ctx.value(op, 0), shape, (0, 1, 3, 2, 4, 5))


def space_to_depth(ctx: Context, op: RawOperator) -> None:
    """SPACE_TO_DEPTH in NHWC."""
    ctx.check_activations(op)
    n, h, w, c = _four(ctx, op)
    block = int(ctx.options(op, "SpaceToDepthOptions").BlockSize())
    if block < 1 or h % block or w % block:
        ctx.refuse(op, f"block size {block} for {h} x {w}")
    shape = (n, h // block, block, w // block, block, c)
    _rearrange(ctx, op, ctx.value(op, 0), shape, (0, 1, 3, 2, 4, 5))


def _four(ctx: Context, op: RawOperator) -> tuple[int, ...]:
    shape = ctx.value(op, 0).type.shape
    if len(shape) != 4:
        ctx.refuse(op, f"input has shape {list(shape)}", "4 dimensions")
    return shape


def _rearrange(
    ctx: Context, op: RawOperator, x: Value, shape: Sequence[int], perm: tuple[int, ...]
) -> None:
    y = step(ctx, op, Transpose(perm), [reshaped(ctx, op, x, shape)])
    finish(ctx, op, Reshape(ctx.model.tensors[op.outputs[0]].shape), [y])


def space_to_batch(ctx: Context, op: RawOperator) -> None:
    """SPACE_TO_BATCH_ND: padding, then blocks move in front of the batch."""
    ctx.check_activations(op)
    x, blocks = ctx.value(op, 0), numbers(ctx, op, 1, "block shape")
    axes, rank = len(blocks), len(x.type.shape)
    pads = ctx.integers(op, 2, "paddings")
    if pads.shape != (axes, 2) or min(blocks, default=1) < 1 or axes >= rank or pads.min() < 0:
        ctx.refuse(op, f"blocks {blocks} and paddings {pads.tolist()} for {rank} dimensions")
    outer = [(0, 0), *((int(a), int(b)) for a, b in pads), *[(0, 0)] * (rank - axes - 1)]
    if pads.any():
        x = step(ctx, op, Pad(tuple(a for a, _ in outer), tuple(b for _, b in outer)), [x])
    n, *space = x.type.shape[: axes + 1]
    if any(size % block for size, block in zip(space, blocks, strict=True)):
        ctx.refuse(op, f"blocks {blocks} do not divide {space}")
    parts = [m for size, b in zip(space, blocks, strict=True) for m in (size // b, b)]
    perm = (*(2 * i + 2 for i in range(axes)), 0, *(2 * i + 1 for i in range(axes)),
            *range(2 * axes + 1, rank + axes))  # fmt: skip
    _rearrange(ctx, op, x, (n, *parts, *x.type.shape[axes + 1 :]), perm)


def batch_to_space(ctx: Context, op: RawOperator) -> None:
    """BATCH_TO_SPACE_ND: blocks move from the batch into space, then its borders are cut off."""
    ctx.check_activations(op)
    x, blocks = ctx.value(op, 0), numbers(ctx, op, 1, "block shape")
    axes, rank = len(blocks), len(x.type.shape)
    crops = ctx.integers(op, 2, "crops")
    count = math.prod(blocks)
    if crops.shape != (axes, 2) or count < 1 or axes >= rank or x.type.shape[0] % count:
        ctx.refuse(op, f"blocks {blocks} and crops {crops.tolist()} for {list(x.type.shape)}")
    n, space, rest = x.type.shape[0] // count, x.type.shape[1 : axes + 1], x.type.shape[axes + 1 :]
    y = reshaped(ctx, op, x, (*blocks, n, *space, *rest))
    perm = [axes, *(p for i in range(axes) for p in (axes + 1 + i, i))]
    y = step(ctx, op, Transpose((*perm, *range(2 * axes + 1, rank + axes))), [y])
    wide = [size * b for size, b in zip(space, blocks, strict=True)]
    y = reshaped(ctx, op, y, (n, *wide, *rest))
    starts = (0, *(int(a) for a, _ in crops), *(0,) * len(rest))
    kept = [size - int(a) - int(b) for size, (a, b) in zip(wide, crops, strict=True)]
    finish(ctx, op, Slice(starts, (n, *kept, *rest), (1,) * rank), [y])


def shape(ctx: Context, op: RawOperator) -> None:
    """SHAPE and RANK: constants."""
    check_inputs(ctx, op)
    dims = ctx.value(op, 0).type.shape
    kind = ctx.model.tensors[op.outputs[0]].dtype
    data = np.asarray(len(dims) if op.kind == "RANK" else dims)
    result(ctx, op, data.astype(np.int32 if kind is None else kind.numpy))


def zeros_like(ctx: Context, op: RawOperator) -> None:
    """ZEROS_LIKE: a constant."""
    ctx.check_activations(op)
    x = ctx.value(op, 0).type
    result(ctx, op, np.zeros(x.shape, x.dtype.numpy))


def range_(ctx: Context, op: RawOperator) -> None:
    """RANGE of constants: a constant."""
    parts = [ctx.tensor(op, i) for i in range(3)]
    data = [p.data for p in parts if p is not None and p.data is not None]
    if len(data) != 3 or any(d.size != 1 for d in data):
        ctx.refuse(op, "start, limit and delta must be constant numbers")
    start, limit, delta = (d.reshape(()) for d in data)
    if delta == 0:
        ctx.refuse(op, "delta is 0")
    count = max(math.ceil((float(limit) - float(start)) / float(delta)), 0)
    result(ctx, op, (start + np.arange(count) * delta).astype(start.dtype))
