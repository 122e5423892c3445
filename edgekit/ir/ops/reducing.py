"""Operators that combine the elements of whole axes, or rank them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from edgekit.ir.dtype import DType
from edgekit.ir.op import Op, Shape, require

REDUCE: dict[str, str] = {
    "sum": "sum; of integers modulo their range",
    "prod": "product; of integers modulo their range",
    "max": "the largest; true where any is",
    "min": "the smallest; true where all are",
    "l1": "sum of magnitudes",
    "sum_square": "sum of squares",
    "mean": "mean; of integers rounded towards zero",
}
"""Functions of a set of elements."""


def reduced(shape: Shape, axes: Sequence[int], keepdims: bool) -> Shape:
    """The shape after ``axes`` are combined.

    Raises:
        ShapeError: an axis lies outside the shape.
    """
    require(all(0 <= a < len(shape) for a in axes), f"axes {tuple(axes)} outside shape {shape}")
    if keepdims:
        return tuple(1 if i in axes else n for i, n in enumerate(shape))
    return tuple(n for i, n in enumerate(shape) if i not in axes)


@dataclass(frozen=True)
class Reduce(Op):
    """One of the functions in `REDUCE` over ``axes`` (non-negative, sorted)."""

    function: str = "sum"
    axes: tuple[int, ...] = ()
    keepdims: bool = True

    @property
    def name(self) -> str:
        return "Reduce" + self.function.title().replace("_", "")

    def infer(self, shapes: Sequence[Shape]) -> tuple[Shape, ...]:
        return (reduced(shapes[0], self.axes, self.keepdims),)


@dataclass(frozen=True)
class ArgReduce(Op):
    """Position of the largest or smallest element along ``axis``.

    Attributes:
        largest: the largest, otherwise the smallest.
        last: of several equal ones the last, otherwise the first.
        to: int64 (ONNX) or int32 (TFLite).
    """

    axis: int = 0
    largest: bool = True
    last: bool = False
    keepdims: bool = True
    to: DType = DType.INT64

    @property
    def name(self) -> str:
        return "ArgMax" if self.largest else "ArgMin"

    def infer(self, shapes: Sequence[Shape]) -> tuple[Shape, ...]:
        return (reduced(shapes[0], (self.axis,), self.keepdims),)

    def dtypes(self, dtypes: Sequence[DType | None]) -> tuple[DType, ...]:
        return (self.to,)


@dataclass(frozen=True)
class TopK(Op):
    """The ``k`` largest or smallest elements along ``axis`` in order, and their positions; of equal
    elements the one that comes first."""

    k: int = 1
    axis: int = 0
    largest: bool = True
    to: DType = DType.INT64

    def infer(self, shapes: Sequence[Shape]) -> tuple[Shape, ...]:
        x = shapes[0]
        require(0 <= self.axis < len(x), f"axis {self.axis} of shape {x}")
        require(0 <= self.k <= x[self.axis], f"k = {self.k} of {x[self.axis]} elements")
        shape = (*x[: self.axis], self.k, *x[self.axis + 1 :])
        return shape, shape

    def dtypes(self, dtypes: Sequence[DType | None]) -> tuple[DType, ...]:
        return dtypes[0] or DType.FLOAT32, self.to


@dataclass(frozen=True)
class Cumulate(Op):
    """Running ``sum`` or ``prod`` along ``axis``.

    Attributes:
        exclusive: each result leaves its own element out.
        reverse: from the end.
    """

    function: str = "sum"
    axis: int = 0
    exclusive: bool = False
    reverse: bool = False

    @property
    def name(self) -> str:
        return "Cum" + self.function.title()

    def infer(self, shapes: Sequence[Shape]) -> tuple[Shape, ...]:
        require(0 <= self.axis < len(shapes[0]), f"axis {self.axis} of shape {shapes[0]}")
        return (shapes[0],)
