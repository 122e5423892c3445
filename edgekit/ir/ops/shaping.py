"""Operators that move elements without changing them (exact in every element type)."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from edgekit.ir.op import Op, Shape, require


@dataclass(frozen=True)
class Reshape(Op):
    """The same elements in the same order with another (fully static) shape."""

    shape: Shape = ()

    def infer(self, shapes: Sequence[Shape]) -> tuple[Shape, ...]:
        require(
            math.prod(shapes[0]) == math.prod(self.shape),
            f"cannot reshape {shapes[0]} into {self.shape}",
        )
        return (self.shape,)


@dataclass(frozen=True)
class Transpose(Op):
    """Axes permuted: output axis i is input axis ``perm[i]``."""

    perm: tuple[int, ...] = ()

    def infer(self, shapes: Sequence[Shape]) -> tuple[Shape, ...]:
        x = shapes[0]
        require(sorted(self.perm) == list(range(len(x))), f"perm {self.perm} for shape {x}")
        return (tuple(x[p] for p in self.perm),)


@dataclass(frozen=True)
class Pad(Op):
    """Constant padding: ``before[i]`` and ``after[i]`` elements around axis i.

    ``value`` is a real number on model level and the integer itself on an integer tensor that is
    being lowered. A second input of one element, where there is one, takes its place.
    """

    before: tuple[int, ...] = ()
    after: tuple[int, ...] = ()
    value: float = 0.0

    def infer(self, shapes: Sequence[Shape]) -> tuple[Shape, ...]:
        x = shapes[0]
        require(len(self.before) == len(x) == len(self.after), f"pads for shape {x}")
        require(min(*self.before, *self.after, 0) == 0, "negative padding is not supported")
        return (tuple(b + n + a for b, n, a in zip(self.before, x, self.after, strict=True)),)


@dataclass(frozen=True)
class Concat(Op):
    """Inputs joined along ``axis`` (non-negative)."""

    axis: int = 0

    def infer(self, shapes: Sequence[Shape]) -> tuple[Shape, ...]:
        first = shapes[0]
        for s in shapes[1:]:
            same = [i for i in range(len(first)) if i != self.axis]
            require(
                len(s) == len(first) and all(s[i] == first[i] for i in same),
                f"cannot join {first} and {s} along axis {self.axis}",
            )
        total = sum(s[self.axis] for s in shapes)
        return ((*first[: self.axis], total, *first[self.axis + 1 :]),)


@dataclass(frozen=True)
class Slice(Op):
    """``y[i] = x[start + i * step]`` on every axis, ``size`` elements each.

    A step may be negative (the axis is walked backwards) or larger than 1.
    """

    starts: tuple[int, ...] = ()
    sizes: tuple[int, ...] = ()
    steps: tuple[int, ...] = ()

    def infer(self, shapes: Sequence[Shape]) -> tuple[Shape, ...]:
        x = shapes[0]
        fits = len(x) == len(self.starts) == len(self.sizes) == len(self.steps)
        require(fits, f"slice of {len(self.starts)} axes for shape {x}")
        for n, start, size, step in zip(x, self.starts, self.sizes, self.steps, strict=True):
            last = start + (size - 1) * step
            inside = 0 <= start < n and 0 <= last < n
            require(size == 0 or inside, f"slice {start}..{last} of an axis of {n} elements")
        return (self.sizes,)


@dataclass(frozen=True)
class Expand(Op):
    """Broadcasting to ``shape``: axes of one element (and missing leading ones) are repeated."""

    shape: Shape = ()

    def infer(self, shapes: Sequence[Shape]) -> tuple[Shape, ...]:
        x = shapes[0]
        padded = (1,) * (len(self.shape) - len(x)) + x
        fits = len(padded) == len(self.shape)
        fits = fits and all(a in (1, n) for a, n in zip(padded, self.shape, strict=True))
        require(fits, f"{x} does not broadcast to {self.shape}")
        return (self.shape,)
