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
    being lowered.
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
