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
    "acos": "inverse of the cosine",
    "acosh": "inverse of the hyperbolic cosine",
    "asin": "inverse of the sine",
    "asinh": "inverse of the hyperbolic sine",
    "atan": "inverse of the tangent",
    "atanh": "inverse of the hyperbolic tangent",
    "bitwise_not": "every bit of an integer changed",
    "ceil": "the smallest whole number that is not less",
    "celu": "x where x > 0, else alpha * (exp(x / alpha) - 1)",
    "cos": "cosine",
    "cosh": "hyperbolic cosine",
    "elu": "x where x > 0, else alpha * (exp(x) - 1)",
    "erf": "error function",
    "exp": "e to the power of x",
    "floor": "the largest whole number that is not greater",
    "gelu": "x times the normal distribution function, x / 2 * (1 + erf(x / sqrt 2))",
    "gelu_tanh": "gelu by x / 2 * (1 + tanh(sqrt(2 / pi) * (x + 0.044715 x^3)))",
    "hard_sigmoid": "alpha * x + beta between 0 and 1",
    "hard_swish": "x * hard_sigmoid(x) with alpha = 1/6 and beta = 1/2",
    "isinf": "whether infinite: upwards where alpha is 1, downwards where beta is 1",
    "isnan": "whether not a number",
    "leaky_relu": "x where x >= 0, else alpha * x",
    "log": "natural logarithm",
    "mish": "x * tanh(softplus(x))",
    "neg": "sign changed",
    "not": "logical negation",
    "reciprocal": "1 / x",
    "round": "the nearest whole number, ties to even",
    "rsqrt": "1 / sqrt(x)",
    "selu": "beta * x where x > 0, else beta * alpha * (exp(x) - 1)",
    "shrink": "x - beta where x > alpha, x + beta where x < -alpha, else 0",
    "sigmoid": "1 / (1 + exp(-x))",
    "sign": "-1, 0 or 1; NaN stays",
    "sin": "sine",
    "sinh": "hyperbolic sine",
    "softplus": "log(1 + exp(x))",
    "softsign": "x / (1 + |x|)",
    "sqrt": "square root",
    "square": "x * x",
    "swish": "x * sigmoid(alpha * x)",
    "tan": "tangent",
    "tanh": "hyperbolic tangent",
    "thresholded_relu": "x where x > alpha, else 0",
}
"""Functions of one element (``alpha`` and ``beta`` where the text names them)."""

BINARY: dict[str, str] = {
    "and": "logical and",
    "atan2": "angle of the point (b, a)",
    "bitwise_and": "and of every bit",
    "bitwise_or": "or of every bit",
    "bitwise_xor": "exclusive or of every bit",
    "div": "quotient; of integers rounded towards zero",
    "equal": "whether a = b",
    "floor_div": "the largest whole number that is not greater than the quotient",
    "floor_mod": "remainder with the divisor's sign",
    "fmod": "remainder with the dividend's sign",
    "greater": "whether a > b",
    "greater_equal": "whether a >= b",
    "less": "whether a < b",
    "less_equal": "whether a <= b",
    "max": "the larger; NaN where either is",
    "min": "the smaller; NaN where either is",
    "not_equal": "whether a and b differ",
    "or": "logical or",
    "pow": "a to the power of b; the reciprocal of an integer rounds towards zero",
    "prelu": "a where a >= 0, else a * b",
    "shift_left": "a * 2^b; 0 where b is not below the number of bits",
    "shift_right": "a / 2^b rounded down, for every b >= 0",
    "squared_difference": "(a - b)^2",
    "xor": "logical exclusive or",
}
"""Functions of two elements. Integers wrap around as two's complement numbers do; a quotient or
remainder by the integer 0 is 0."""

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
    """Every element converted to ``to``: from real to integer towards zero, NaN to 0 and numbers
    out of range to the nearest that there is; between integers modulo; to true unless zero."""

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
