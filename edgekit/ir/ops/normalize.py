"""Normalisation by statistics of the tensor itself."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from edgekit.ir.dtype import DType
from edgekit.ir.op import Op, Shape, require

NORMS = ("variance", "rms", "l1", "l2")


@dataclass(frozen=True)
class Normalize(Op):
    """x over a measure of its size, all axes from ``axis`` on taken together; optional inputs
    scale and bias of those axes' shape.

    Attributes:
        function: ``variance``: ``(x - mean) / sqrt(variance + epsilon)``; ``rms``:
            ``x / sqrt(mean(x * x) + epsilon)``; ``l1``, ``l2``: x by the norm, or by ``epsilon``
            where that is larger (0 by 0 is 0).
        statistics: the outputs are y, mean and variance (with the normalised axes 1).
    """

    axis: int = 1
    function: str = "variance"
    epsilon: float = 1e-5
    statistics: bool = False

    def infer(self, shapes: Sequence[Shape]) -> tuple[Shape, ...]:
        x = shapes[0]
        require(0 <= self.axis < len(x), f"axis {self.axis} for shape {x}")
        for other in shapes[1:]:
            fits = other in ((), x[self.axis :])
            require(fits, f"scale or bias of shape {other}, expected {x[self.axis :]}")
        kept = (*x[: self.axis], *(1,) * (len(x) - self.axis))
        return (x, kept, kept) if self.statistics else (x,)

    def dtypes(self, dtypes: Sequence[DType | None]) -> tuple[DType, ...]:
        return super().dtypes(dtypes) * (3 if self.statistics else 1)


@dataclass(frozen=True)
class LocalResponseNorm(Op):
    """``x / (bias + alpha * sum of squares of the neighbours along axis) ** beta``, from
    ``before`` in front of an element to ``after`` behind it (Krizhevsky et al. 2012)."""

    axis: int = 1
    before: int = 2
    after: int = 2
    alpha: float = 1.0
    beta: float = 0.5
    bias: float = 1.0

    def infer(self, shapes: Sequence[Shape]) -> tuple[Shape, ...]:
        require(0 <= self.axis < len(shapes[0]), f"axis {self.axis} for shape {shapes[0]}")
        return (shapes[0],)
