"""Operators that cut, repeat and rearrange elements by constants of the model."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence

import numpy as np
from numpy.typing import NDArray

from edgekit.importers.onnx.axes import many_axes, one_axis, reshaped, take
from edgekit.importers.onnx.context import MAX_ELEMENTS, Call, Refusal
from edgekit.ir import DType, Value
from edgekit.ir.ops import Expand, Gather, Pad, Reshape, Slice, Transpose, Where

Places = NDArray[np.int64]

REPEATED_AXES = 3
"""So many axes one strided copy repeats, whatever lies between them."""


def slice_(call: Call) -> None:
    """``Slice``: bounds are attributes before opset 10, inputs since."""
    x = call.value(0)
    shape = x.type.shape
    if call.opset < 10:
        starts, ends = call.attr_ints("starts") or (), call.attr_ints("ends") or ()
        axes, steps = call.attr_ints("axes"), None
    else:
        starts, ends = call.ints(1, "starts"), call.ints(2, "ends")
        axes = call.ints(3, "axes") if call.has(3) else None
        steps = call.ints(4, "steps") if call.has(4) else None
    axes = tuple(range(len(starts))) if axes is None else axes
    steps = (1,) * len(starts) if steps is None else steps
    if not len(starts) == len(ends) == len(axes) == len(steps):
        raise Refusal(f"starts {starts}, ends {ends}, axes {axes}, steps {steps} differ in length")
    whole = [(0, n, 1) for n in shape]
    for axis, start, end, step in zip(
        many_axes(axes, len(shape)), starts, ends, steps, strict=True
    ):
        if step == 0:
            raise Refusal("a step is 0")
        walk = range(shape[axis])[slice(start, end, step)]  # Python's rule is ONNX's
        whole[axis] = (walk.start, len(walk), walk.step)
    first, sizes, strides = (tuple(part) for part in zip(*whole, strict=True))
    call.emit(Slice(first, sizes, strides), [x])


def split(call: Call) -> None:
    """``Split`` into equal parts, given sizes, or ``num_outputs`` parts."""
    x = call.value(0)
    axis = one_axis(call.attr_int("axis", 0), len(x.type.shape))
    size, count = x.type.shape[axis], len(call.output_names)
    given = call.attr_ints("split") if call.opset < 13 else None
    if call.opset >= 13 and call.has(1):
        given = call.ints(1, "split")
    count = call.attr_int("num_outputs", count)
    part = -(-size // count)  # the last part may be smaller
    sizes = given or tuple(min(part, size - i * part) for i in range(count))
    if sum(sizes) != size or len(sizes) != len(call.output_names):
        raise Refusal(f"parts {sizes} of an axis of {size} for {len(call.output_names)} outputs")
    start = 0
    for index, width in enumerate(sizes):
        name = call.output_names[index]
        if name:
            call.result(take(call, x, axis, start, width, name), index)
        start += width


def expand(call: Call) -> None:
    """``Expand`` by two-way broadcasting."""
    x = call.value(0)
    wanted = call.ints(1, "shape")
    try:
        target = np.broadcast_shapes(x.type.shape, wanted)
    except (ValueError, RuntimeError):  # numpy knows 32 or 64 axes
        raise Refusal(f"{x.type.shape} does not broadcast with {wanted}") from None
    call.emit(Expand(tuple(target)), [x])


def tile(call: Call) -> None:
    """``Tile``: before opset 6 another operator, which is not supported."""
    x = call.value(0)
    repeats = call.ints(1, "repeats")
    shape = x.type.shape
    if len(repeats) != len(shape) or min(repeats, default=1) < 0:
        raise Refusal(f"repeats {repeats} for shape {shape}", "one number for each axis")
    call.result(repeated(call, x, repeats))


def repeated(call: Call, x: Value, repeats: Sequence[int]) -> Value:
    """x repeated as a whole along its axes: (n, ...) -> (1, n, ...) -> (r, n, ...) -> (r n, ...),
    a few axes at a time, the last ones first."""
    left = [i for i, r in enumerate(repeats) if r != 1]
    out = call.output_names[0]
    while True:
        chosen, left = set(left[-REPEATED_AXES:]), left[:-REPEATED_AXES]
        shape = x.type.shape
        pairs = [(repeats[i] if i in chosen else 1, n) for i, n in enumerate(shape)]
        ones = [m for r, n in pairs for m in ((1, n) if r != 1 else (n,))]
        wide = [m for r, n in pairs for m in ((r, n) if r != 1 else (n,))]
        x = reshaped(call, x, ones, f"{out}_ones")
        x = call.add(Expand(tuple(wide)), [x], f"{out}_wide")
        x = reshaped(call, x, [r * n for r, n in pairs], out)
        if not left:
            return x


_ORDERS = ("DCR", "CRD")


def depth_to_space(call: Call) -> None:
    """``DepthToSpace`` in both orders: channels are (block, block, depth) or (depth, block,
    block)."""
    n, c, h, w = call.rank(0, 4)
    block = call.attr_int("blocksize", 0)
    mode = call.attr_str("mode", "DCR")
    if block < 1 or c % (block * block) or mode not in _ORDERS:
        raise Refusal(f"blocksize {block}, mode {mode} for {c} channels")
    depth = c // (block * block)
    if mode == "DCR":
        shape, perm = (n, block, block, depth, h, w), (0, 3, 4, 1, 5, 2)
    else:
        shape, perm = (n, depth, block, block, h, w), (0, 1, 4, 2, 5, 3)
    _rearrange(call, shape, perm, (n, depth, h * block, w * block))


def space_to_depth(call: Call) -> None:
    """``SpaceToDepth`` in both orders, as in `depth_to_space`."""
    n, c, h, w = call.rank(0, 4)
    block = call.attr_int("blocksize", 0)
    mode = call.attr_str("mode", "DCR")
    if block < 1 or h % block or w % block or mode not in _ORDERS:
        raise Refusal(f"blocksize {block}, mode {mode} for {h} x {w}")
    shape = (n, c, h // block, block, w // block, block)
    perm = (0, 3, 5, 1, 2, 4) if mode == "DCR" else (0, 1, 3, 5, 2, 4)
    _rearrange(call, shape, perm, (n, c * block * block, h // block, w // block))


def _rearrange(
    call: Call, shape: tuple[int, ...], perm: tuple[int, ...], result: tuple[int, ...]
) -> None:
    out = call.output_names[0]
    x = call.add(Reshape(shape), [call.value(0)], f"{out}_blocks")
    x = call.add(Transpose(perm), [x], f"{out}_turned")
    call.emit(Reshape(result), [x])


def pad(call: Call) -> None:
    """``Pad`` in every mode, also by negative numbers, which cut."""
    x = call.value(0)
    rank = len(x.type.shape)
    mode = call.attr_str("mode", "constant")
    if mode not in ("constant", *_INDICES):
        raise Refusal(f"mode {mode}", f"constant, {', '.join(_INDICES)}")
    pads = (call.attr_ints("pads") or ()) if call.opset < 11 else call.ints(1, "pads")
    axes = many_axes(call.ints(3, "axes"), rank) if call.has(3) else tuple(range(rank))
    if len(pads) != 2 * len(axes):
        raise Refusal(f"{len(pads)} pads for axes {axes} of shape {x.type.shape}")
    before, after = [0] * rank, [0] * rank
    for i, axis in enumerate(axes):
        before[axis], after[axis] = pads[i], pads[i + len(axes)]
    if mode in _INDICES:
        call.result(_pad_by_elements(call, x, before, after, mode))
    else:
        _pad_by_number(call, x, before, after)


def _pad_by_number(call: Call, x: Value, before: Sequence[int], after: Sequence[int]) -> None:
    out = call.output_names[0]
    if x.type.quant is not None:
        raise Refusal("padding of an integer tensor", "float32 between quantizations")
    fill: list[Value] = []
    number = 0.0
    if call.opset < 11:
        number = call.attr_float("value", 0.0)
    elif call.has(2) and call.value(2).data is None:
        fill = [reshaped(call, call.value(2), (1,), f"{out}_fill")]
    elif call.has(2):
        number = call.scalar(2, "constant_value")
        exact = x.type.dtype.is_float or abs(number) < 2**53
        if not exact:
            fill = [call.array(call.constant(2, "constant_value").reshape(1))]
    wide = Pad(tuple(max(n, 0) for n in before), tuple(max(n, 0) for n in after), number)
    cut = min(*before, *after, 0) < 0
    x = call.add(wide, [x, *fill], f"{out}_wide" if cut else out)
    shape = x.type.shape
    starts = tuple(max(-n, 0) for n in before)
    sizes = tuple(
        n - start - max(-end, 0) for n, start, end in zip(shape, starts, after, strict=True)
    )
    call.result(call.add(Slice(starts, sizes, (1,) * len(shape)), [x], out) if cut else x)


def _reflect(index: Places, n: int) -> Places:
    period = max(2 * (n - 1), 1)
    return (n - 1) - np.abs((n - 1) - index % period) if n > 1 else index * 0


_INDICES: dict[str, Callable[[Places, int], Places]] = {
    "edge": lambda index, n: np.asarray(np.clip(index, 0, n - 1)),
    "reflect": _reflect,
    "wrap": lambda index, n: index % n,
}
"""Mode -> the element of an axis of ``n`` that stands at a position outside it."""


def _pad_by_elements(
    call: Call, x: Value, before: Sequence[int], after: Sequence[int], mode: str
) -> Value:
    """Padding with elements of x itself: along each axis a choice by constant indices."""
    out = call.output_names[0]
    for axis, (start, end) in enumerate(zip(before, after, strict=True)):
        if start or end:
            size = x.type.shape[axis]
            _limit(size + start + end)
            index = _INDICES[mode](np.arange(-start, size + end), size)
            indices = call.array(index.astype(np.int64))
            x = call.add(Gather(axis), [x, indices], out)
    return x


def _limit(count: int) -> None:
    """Refuse to make a constant of more elements than any tensor may have."""
    if not 0 < count <= MAX_ELEMENTS:
        raise Refusal(f"it would have {count} elements", f"1 to {MAX_ELEMENTS}")


def center_crop_pad(call: Call) -> None:
    """``CenterCropPad``: cut or padded with zeros around the centre."""
    x = call.value(0)
    rank = len(x.type.shape)
    axes = many_axes(call.attr_ints("axes") or tuple(range(rank)), rank)
    wanted = call.ints(1, "shape")
    if len(wanted) != len(axes):
        raise Refusal(f"shape {wanted} for axes {axes}")
    out, before, after = call.output_names[0], [0] * rank, [0] * rank
    for axis, size in zip(axes, wanted, strict=True):
        have = x.type.shape[axis]
        if size < have:
            x = take(call, x, axis, (have - size) // 2, size, out)
        before[axis] = max(size - have, 0) // 2
        after[axis] = max(size - have, 0) - before[axis]
    if any((*before, *after)):
        x = call.add(Pad(tuple(before), tuple(after)), [x], out)
    call.result(x)


def compress(call: Call) -> None:
    """``Compress`` by a constant condition."""
    x = call.value(0)
    chosen = np.flatnonzero(call.constant(1, "condition").reshape(-1))
    axis = call.attr_raw("axis")
    if axis is None:
        x = reshaped(call, x, (x.type.size,), f"{call.output_names[0]}_flat")
    where = one_axis(0 if axis is None else int(axis), len(x.type.shape))
    if chosen.size and chosen[-1] >= x.type.shape[where]:
        raise Refusal(f"the condition is longer than axis {where} of shape {x.type.shape}")
    call.emit(Gather(where), [x, call.array(chosen.astype(np.int64))])


def trilu(call: Call) -> None:
    """``Trilu``: one side of a diagonal of the last two axes, zeros on the other."""
    x = call.value(0)
    shape = x.type.shape
    if len(shape) < 2:
        raise Refusal(f"shape {shape}", "two axes or more")
    k = int(call.scalar(1, "k")) if call.has(1) else 0
    upper = call.attr_int("upper", 1)
    distance = np.arange(shape[-1]) - np.arange(shape[-2])[:, None]
    keep = call.array(distance >= k if upper else distance <= k)
    zero = call.array(np.zeros((), x.type.dtype.numpy))
    call.emit(Where(), [keep, x, zero])


def eye_like(call: Call) -> None:
    """``EyeLike``: a constant."""
    from onnx.helper import tensor_dtype_to_np_dtype

    x = call.value(0).type
    rows, columns = call.rank(0, 2)
    code = call.attr_raw("dtype")
    dtype = x.dtype if code is None else DType.from_numpy(tensor_dtype_to_np_dtype(int(code)))
    eye = np.eye(rows, columns, call.attr_int("k", 0), dtype.numpy)
    call.result(call.array(eye, call.output_names[0]))


def range_(call: Call) -> None:
    """``Range`` of constants: a constant."""
    start, limit, delta = (call.constant(i, w) for i, w in enumerate(("start", "limit", "delta")))
    if delta.reshape(()) == 0:
        raise Refusal("delta is 0")
    first, last, step = (float(a.reshape(())) for a in (start, limit, delta))
    count = max(math.ceil((last - first) / step), 0)
    _limit(count)
    numbers = start.reshape(()) + np.arange(count) * delta.reshape(())
    call.result(call.array(numbers.astype(start.dtype), call.output_names[0]))


def size(call: Call) -> None:
    """``Size``: a constant."""
    count = np.asarray(call.value(0).type.size, np.int64)
    call.result(call.array(count, call.output_names[0]))


def constant_of_shape(call: Call) -> None:
    """``ConstantOfShape``: a constant."""
    from onnx.numpy_helper import to_array

    shape = call.ints(0, "shape")
    raw = call.attr_raw("value")
    value = np.zeros(1, np.float32) if raw is None else to_array(raw)
    if value.size != 1 or min(shape, default=0) < 0:
        raise Refusal(f"shape {shape}, value of {value.size} elements")
    if math.prod(shape):
        _limit(math.prod(shape))
    call.result(call.array(np.full(shape, value.reshape(())), call.output_names[0]))
