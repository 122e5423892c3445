"""Operators whose indices are data: they choose elements, or say where elements go.

Indices are int32 or int64. A negative one counts from the end of its axis. One outside the axis
is bounded to it, so that no index reads or writes outside the tensor.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from edgekit.ir.op import Op, Shape, require

REDUCTIONS = ("none", "add", "mul", "min", "max")
"""How a scattered element meets the one that lies there; ``none`` replaces it."""


@dataclass(frozen=True)
class Gather(Op):
    """Slices of x along ``axis`` at the indices: ``x[:axis] + indices + x[axis + 1:]``."""

    axis: int = 0

    def infer(self, shapes: Sequence[Shape]) -> tuple[Shape, ...]:
        x, indices = shapes
        require(0 <= self.axis < len(x), f"axis {self.axis} of shape {x}")
        return ((*x[: self.axis], *indices, *x[self.axis + 1 :]),)


@dataclass(frozen=True)
class GatherElements(Op):
    """For each index one element of x: the index replaces the position on ``axis``."""

    axis: int = 0

    def infer(self, shapes: Sequence[Shape]) -> tuple[Shape, ...]:
        x, indices = shapes
        _require_elements(self.axis, x, indices)
        return (indices,)


@dataclass(frozen=True)
class GatherND(Op):
    """For each vector of indices (their last axis) the slice of x that it points at; the first
    ``batch_dims`` axes of both are walked together."""

    batch_dims: int = 0

    def infer(self, shapes: Sequence[Shape]) -> tuple[Shape, ...]:
        x, indices = shapes
        batch = self.batch_dims
        require(len(indices) >= 1, "indices need an axis of coordinates")
        require(batch < min(len(x), len(indices)), f"{batch} batch axes of {x} and {indices}")
        require(x[:batch] == indices[:batch], f"batch axes of {x} and {indices} differ")
        require(batch + indices[-1] <= len(x), f"{indices[-1]} coordinates for shape {x}")
        return ((*indices[:-1], *x[batch + indices[-1] :]),)


@dataclass(frozen=True)
class ScatterElements(Op):
    """Inputs x, indices, updates: x with each update at its own position, its index in place of the
    position on ``axis``. Updates come one after another, the last one wins."""

    axis: int = 0
    reduction: str = "none"

    def infer(self, shapes: Sequence[Shape]) -> tuple[Shape, ...]:
        x, indices, updates = shapes
        _require_elements(self.axis, x, indices)
        require(indices == updates, f"indices {indices} and updates {updates} differ")
        require(self.reduction in REDUCTIONS, f"reduction {self.reduction}")
        return (x,)


@dataclass(frozen=True)
class ScatterND(Op):
    """Inputs x, indices, updates: x with slices replaced (or reduced) where vectors of indices
    point. Updates come one after another, the last one wins."""

    reduction: str = "none"

    def infer(self, shapes: Sequence[Shape]) -> tuple[Shape, ...]:
        x, indices, updates = shapes
        require(len(indices) >= 1 and indices[-1] <= len(x), f"indices {indices} for shape {x}")
        wanted = (*indices[:-1], *x[indices[-1] :])
        require(math.prod(updates) == math.prod(wanted), f"updates {updates}, expected {wanted}")
        require(self.reduction in REDUCTIONS, f"reduction {self.reduction}")
        return (x,)


def _require_elements(axis: int, x: Shape, indices: Shape) -> None:
    require(0 <= axis < len(x) == len(indices), f"axis {axis}, shapes {x} and {indices}")
    fits = all(n <= m for i, (n, m) in enumerate(zip(indices, x, strict=True)) if i != axis)
    require(fits, f"indices {indices} exceed shape {x}")
