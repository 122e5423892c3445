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


TAPS = {"nearest": 1, "linear": 2, "cubic": 4}
"""Neighbours along each axis by mode."""
PADDINGS = ("zeros", "border", "reflection")
"""What lies outside the input."""


@dataclass(frozen=True)
class GridSample(Op):
    """Elements of x (N, C, spatial...) at the positions of a grid (N, output..., axes), -1 to 1
    along each axis, the last axis first. Two or three spatial axes."""

    mode: str = "linear"
    padding: str = "zeros"
    align_corners: bool = False

    def infer(self, shapes: Sequence[Shape]) -> tuple[Shape, ...]:
        x, grid = shapes
        require(len(x) in (4, 5) and len(grid) == len(x), f"shapes {x} and {grid}")
        require(x[0] == grid[0] and grid[-1] == len(x) - 2, f"grid {grid} for shape {x}")
        require(self.mode in TAPS and self.padding in PADDINGS, f"{self.mode}, {self.padding}")
        return ((*x[:2], *grid[1:-1]),)
