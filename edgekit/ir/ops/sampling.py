"""Operators that compute elements between those of a tensor."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from edgekit.ir.op import Op, Shape, require


@dataclass(frozen=True)
class Resample(Op):
    """Inputs x, indices and weights, both (size, taps): element j along ``axis`` of the result is
    the sum of ``weights[j, k] * x[indices[j, k]]``. Both tables are constants."""

    axis: int = 0

    def infer(self, shapes: Sequence[Shape]) -> tuple[Shape, ...]:
        x, indices, weights = shapes
        require(0 <= self.axis < len(x), f"axis {self.axis} of shape {x}")
        require(len(indices) == 2 and indices == weights, f"tables {indices} and {weights}")
        return ((*x[: self.axis], indices[0], *x[self.axis + 1 :]),)

    def macs(self, shapes: Sequence[Shape]) -> int:
        size = 1
        for n in self.infer(shapes)[0]:
            size *= n
        return size * shapes[1][1]
