"""Element-wise operators that differ only by a function of the elements.

`UNARY` and `BINARY` list the functions. Each has one numpy definition
(`quantize.reference.pointwise`) and one C expression (`codegen.c.operators.pointwise`); tests hold
the three lists together.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from edgekit.ir.dtype import DType
from edgekit.ir.op import Op, Shape, require
from edgekit.ir.ops.elementwise import Pointwise

UNARY: dict[str, str] = {
    "abs": "magnitude",
    "exp": "e to the power of x",
    "log": "natural logarithm",
    "neg": "sign changed",
    "not": "logical negation",
    "sigmoid": "1 / (1 + exp(-x))",
    "sqrt": "square root",
    "tanh": "hyperbolic tangent",
}
"""Functions of one element (``alpha`` and ``beta`` where the text names them)."""

BINARY: dict[str, str] = {
    "div": "quotient; of integers rounded towards zero",
    "equal": "whether a = b",
    "greater": "whether a > b",
    "less": "whether a < b",
    "max": "the larger; NaN where either is",
    "min": "the smaller; NaN where either is",
}
"""Functions of two elements."""

TO_BOOL = frozenset({"and", "equal", "greater", "greater_equal", "less", "less_equal", "not",
                     "not_equal", "or", "xor", "isinf", "isnan"})  # fmt: skip
"""Functions whose result is a truth value."""


@dataclass(frozen=True)
class Unary(Pointwise):
    """One of the functions in `UNARY` applied to every element."""

    function: str = "abs"
    alpha: float = 0.0
    beta: float = 0.0

    @property
    def name(self) -> str:
        return self.function.title().replace("_", "")

    def dtypes(self, dtypes: Sequence[DType | None]) -> tuple[DType, ...]:
        return (DType.BOOL,) if self.function in TO_BOOL else super().dtypes(dtypes)


@dataclass(frozen=True)
class Binary(Pointwise):
    """One of the functions in `BINARY` applied to every pair of elements, with broadcasting."""

    function: str = "div"

    @property
    def name(self) -> str:
        return self.function.title().replace("_", "")

    def dtypes(self, dtypes: Sequence[DType | None]) -> tuple[DType, ...]:
        return (DType.BOOL,) if self.function in TO_BOOL else super().dtypes(dtypes)


@dataclass(frozen=True)
class Cast(Pointwise):
    """Every element converted to ``to``: towards zero from real to integer, modulo from wider
    integers, to true unless zero."""

    to: DType = DType.FLOAT32

    def dtypes(self, dtypes: Sequence[DType | None]) -> tuple[DType, ...]:
        return (self.to,)


@dataclass(frozen=True)
class Where(Pointwise):
    """Inputs condition, a, b: a where the condition holds, else b, with broadcasting."""

    def dtypes(self, dtypes: Sequence[DType | None]) -> tuple[DType, ...]:
        require(len(dtypes) == 3, "Where takes a condition and two operands")
        return (dtypes[1] or DType.FLOAT32,)


@dataclass(frozen=True)
class Copy(Op):
    """The same tensor at another place: an output that is a constant, an input, or given twice."""

    def infer(self, shapes: Sequence[Shape]) -> tuple[Shape, ...]:
        return (shapes[0],)
