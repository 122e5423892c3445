"""What each byte of a region holds while a program is replayed.

A value is made of stretches: bytes of what a step (or the caller) wrote. A reshape has those of
its source, a slice of rows some of them, a joint those of its parts one after the other.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import NamedTuple

import numpy as np

from edgekit.ir import Node, Value
from edgekit.ir.ops import Concat, Reshape, Slice


class Stretch(NamedTuple):
    """``nbytes`` bytes of what ``writer`` wrote, from its byte ``start`` on."""

    writer: str
    start: int
    nbytes: int


class Held(NamedTuple):
    """The bytes from ``start`` up to ``end``: each holds what lies as far from byte 0 of what
    ``writer`` wrote as its own address from ``origin``."""

    start: int
    end: int
    writer: str
    origin: int


class Region:
    """Bytes and who wrote them last, neighbours of one writer together.

    Args:
        nbytes: the size; what lies beyond it is not kept.
    """

    def __init__(self, nbytes: int) -> None:
        self._size = nbytes
        self._held = [Held(0, nbytes, "", 0)] if nbytes else []

    def write(self, name: str, offset: int, nbytes: int) -> None:
        """Let ``name`` fill a place."""
        low, high = max(offset, 0), min(offset + nbytes, self._size)
        if low >= high:
            return
        below = [h._replace(end=min(h.end, low)) for h in self._held if h.start < low]
        above = [h._replace(start=max(h.start, high)) for h in self._held if h.end > high]
        self._held = [*below, Held(low, high, name, offset), *above]

    def missing(self, stretch: Stretch, offset: int) -> str | None:
        """Who holds a byte where a stretch should lie; empty: nobody; None: it is all there."""
        origin, end = offset - stretch.start, offset + stretch.nbytes
        for held in self._held:
            shared = max(held.start, offset) < min(held.end, end)
            if shared and (held.writer, held.origin) != (stretch.writer, origin):
                return held.writer
        return None


def shown_content(
    node: Node, content: Mapping[str, tuple[Stretch, ...]]
) -> tuple[Stretch, ...] | None:
    """The stretches of the result of a node that has no step; None where it needs one."""
    if any(v is None or v.is_constant or v.name not in content for v in node.inputs):
        return None
    parts = [content[v.name] for v in node.inputs if v is not None]
    if isinstance(node.op, Reshape):
        return parts[0]
    if isinstance(node.op, Slice):
        return _cut(parts[0], node.op, node.input(0))
    outer = isinstance(node.op, Concat) and math.prod(node.output.type.shape[: node.op.axis]) == 1
    return tuple(s for part in parts for s in part) if outer else None


def _cut(source: tuple[Stretch, ...], op: Slice, x: Value) -> tuple[Stretch, ...] | None:
    """The stretches of a slice whose elements lie in one piece; checked on their numbers."""
    if x.type.size > 1 << 24:
        return None
    numbers = np.arange(x.type.size).reshape(x.type.shape)
    for axis, (start, size, step) in enumerate(zip(op.starts, op.sizes, op.steps, strict=True)):
        numbers = np.take(numbers, start + step * np.arange(size), axis=axis)
    flat = numbers.ravel()
    if not flat.size or (np.diff(flat) != 1).any():
        return None
    low, found = int(flat[0]) * x.type.dtype.itemsize, []
    high = low + flat.size * x.type.dtype.itemsize
    for stretch in source:
        first, last = max(low, 0), min(high, stretch.nbytes)
        if first < last:
            found.append(Stretch(stretch.writer, stretch.start + first, last - first))
        low, high = low - stretch.nbytes, high - stretch.nbytes
    return tuple(found)
