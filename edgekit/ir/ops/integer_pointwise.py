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
class QLeakyRelu(Op):
    """int16 x, requantized one way where it is not negative and another way elsewhere."""

    positive: Requant
    negative: Requant

    def infer(self, shapes: Sequence[Shape]) -> tuple[Shape, ...]:
        return (shapes[0],)


@dataclass(frozen=True)
class _Curve(Op):
    """int16 x, brought to a scale of 1/12288 by ``(x * multiplier + half) >> right_shift``."""

    multiplier: int
    right_shift: int

    def infer(self, shapes: Sequence[Shape]) -> tuple[Shape, ...]:
        return (shapes[0],)


@dataclass(frozen=True)
class QSigmoid(_Curve):
    """Sigmoid of int16 in steps of 1/32768, between the entries of a table."""


@dataclass(frozen=True)
class QTanh(_Curve):
    """Hyperbolic tangent of int16 in steps of 1/32768: ``2 sigmoid(2 x) - 1`` by the same table."""


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
