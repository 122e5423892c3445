"""Integer operators that work element by element: slopes, differences, comparisons."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from edgekit.ir.dtype import DType
from edgekit.ir.op import Op, Shape
from edgekit.ir.ops.elementwise import broadcast
from edgekit.ir.ops.integer import Requant, Rescale


@dataclass(frozen=True)
class _Pairs(Op):
    def infer(self, shapes: Sequence[Shape]) -> tuple[Shape, ...]:
        return (broadcast(shapes[:2]),)


@dataclass(frozen=True)
class QPrelu(_Pairs):
    """int8 x with slopes: ``x - x_zero`` where that is not negative, else its product with
    ``slope - slope_zero``; each case has its own requantization."""

    x_zero: int
    slope_zero: int
    positive: Requant
    negative: Requant


@dataclass(frozen=True)
class QSquaredDifference(_Pairs):
    """Square of the difference of two int8 tensors by the TFLite recipe: both are shifted left,
    rescaled to twice the larger input scale, subtracted, squared, requantized."""

    first: Rescale
    second: Rescale
    requant: Requant
    left_shift: int = 7


@dataclass(frozen=True)
class QCompare(_Pairs):
    """Truth of ``function`` (``less``, ``equal``, ...) on two int8 tensors by the TFLite recipe:
    both are shifted left and multiplied by their scales."""

    function: str
    first: Rescale
    second: Rescale
    left_shift: int = 8

    def dtypes(self, dtypes: Sequence[DType | None]) -> tuple[DType, ...]:
        return (DType.BOOL,)
