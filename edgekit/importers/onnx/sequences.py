"""Sequences of tensors, where they vanish: every position and length is known at conversion."""

from __future__ import annotations

import math

import numpy as np

from edgekit.importers.onnx.context import Call, Refusal
from edgekit.importers.onnx.scope import Tensors
from edgekit.ir import Value
from edgekit.ir.ops import Concat, Reshape, Slice

MAX_LENGTH = 1024


def _position(call: Call, index: int, count: int, *, end: bool = False) -> int:
    """A position from an input: negative ones count from the end, ``end`` allows that itself."""
    place = int(call.scalar(index, "the position"))
    if not -count <= place < count + end:
        raise Refusal(f"position {place} of a sequence of {count}")
    return place + count if place < 0 else place


def _bind(call: Call, items: Tensors) -> None:
    if len(items) > MAX_LENGTH:
        raise Refusal(f"a sequence of {len(items)} tensors", f"up to {MAX_LENGTH}")
    call.result_item(items)


def sequence_empty(call: Call) -> None:
    """``SequenceEmpty``."""
    call.ignore("dtype")
    _bind(call, ())


def sequence_construct(call: Call) -> None:
    """``SequenceConstruct``."""
    _bind(call, tuple(call.value(i) for i in range(len(call.input_names))))


def sequence_insert(call: Call) -> None:
    """``SequenceInsert`` at a constant position, or at the end."""
    items = call.sequence(0)
    place = _position(call, 2, len(items), end=True) if call.has(2) else len(items)
    _bind(call, (*items[:place], call.value(1), *items[place:]))


def sequence_erase(call: Call) -> None:
    """``SequenceErase`` at a constant position, or at the end."""
    items = call.sequence(0)
    place = _position(call, 1, len(items)) if call.has(1) else len(items) - 1
    if not items:
        raise Refusal("the sequence is empty")
    _bind(call, (*items[:place], *items[place + 1 :]))


def sequence_at(call: Call) -> None:
    """``SequenceAt`` at a constant position."""
    items = call.sequence(0)
    call.result(items[_position(call, 1, len(items))])


def sequence_length(call: Call) -> None:
    """``SequenceLength``: a constant."""
    count = np.asarray(len(call.sequence(0)), np.int64)
    call.result(call.array(count, call.output_names[0]))


def split_to_sequence(call: Call) -> None:
    """``SplitToSequence`` into constant parts."""
    x = call.value(0)
    shape = x.type.shape
    axis = call.attr_int("axis", 0)
    if not -len(shape) <= axis < len(shape):
        raise Refusal(f"axis {axis} for shape {shape}")
    axis %= len(shape)
    keep = bool(call.attr_int("keepdims", 1)) or call.has(1)
    parts = _parts(call, shape[axis])
    if sum(parts) != shape[axis] or min(parts, default=0) < 0 or len(parts) > MAX_LENGTH:
        raise Refusal(f"splits {shape[axis]} into {parts}")
    items, start = [], 0
    for i, length in enumerate(parts):
        starts = tuple(start if a == axis else 0 for a in range(len(shape)))
        sizes = (*shape[:axis], length, *shape[axis + 1 :])
        stem = f"{call.output_names[0]}_{i}"
        item = call.add(Slice(starts, sizes, (1,) * len(shape)), [x], stem)
        if not keep:
            item = call.add(Reshape((*shape[:axis], *shape[axis + 1 :])), [item], stem)
        items.append(item)
        start += length
    _bind(call, tuple(items))


def _parts(call: Call, length: int) -> list[int]:
    if not call.has(1):
        return [1] * min(length, MAX_LENGTH + 1)
    split = call.constant(1, "split")
    if split.ndim:
        return [int(n) for n in split]
    size = int(split)
    if size < 1:
        raise Refusal(f"parts of {size}")
    count = math.ceil(length / size)
    return [min(size, length - i * size) for i in range(min(count, MAX_LENGTH + 1))]


def concat_from_sequence(call: Call) -> None:
    """``ConcatFromSequence``, along an axis or a new one."""
    items = call.sequence(0)
    if not items:
        raise Refusal("the sequence is empty")
    rank = len(items[0].type.shape)
    fresh = bool(call.attr_int("new_axis", 0))
    axis = call.attr_int("axis", 0)
    if not -rank - fresh <= axis < rank + fresh:
        raise Refusal(f"axis {axis} for shape {items[0].type.shape}")
    axis %= rank + fresh
    call.result(stacked(call, items, axis) if fresh else joined(call, items, axis))


def joined(call: Call, items: Tensors, axis: int) -> Value:
    """Tensors one after the other along an axis."""
    if len(items) == 1:
        return items[0]
    return call.add(Concat(axis), items, call.output_names[0] or "joined")


def stacked(call: Call, items: Tensors, axis: int) -> Value:
    """Tensors of one shape along a new axis."""
    shape = items[0].type.shape
    lifted = Reshape((*shape[:axis], 1, *shape[axis:]))
    stem = call.output_names[0] or "stacked"
    return joined(
        call, tuple(call.add(lifted, [v], f"{stem}_{i}") for i, v in enumerate(items)), axis
    )
