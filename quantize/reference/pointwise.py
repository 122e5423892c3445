"""Definitions of the element-wise functions, on real and on plain integer tensors."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from edgekit.ir import DType, Node
from edgekit.ir.ops import Binary, Cast, Copy, Op, Unary, Where

Array = NDArray[Any]

_erf = np.frompyfunc(math.erf, 1, 1)


def _sigmoid(x: Array) -> Array:
    small = np.exp(-np.abs(x))  # never overflows
    return np.asarray(np.where(x >= 0, 1, small) / (1 + small))


def _error_function(x: Array) -> Array:
    return np.asarray(_erf(x.astype(np.float64)), np.float64)


def _gelu(x: Array) -> Array:
    """The limit 0 at minus infinity."""
    finite = np.where(x == -np.inf, 0, x)
    return np.asarray(finite / 2 * (1 + _error_function(finite / math.sqrt(2))))


def _gelu_tanh(x: Array) -> Array:
    return np.asarray(x / 2 * (1 + np.tanh(math.sqrt(2 / math.pi) * (x + 0.044715 * x**3))))


def _softplus(x: Array) -> Array:
    return np.asarray(np.logaddexp(np.zeros_like(x), x))


def _exponential(x: Array, alpha: float, scale: float = 1.0) -> Array:
    """``alpha * (exp(x / scale) - 1)`` for x <= 0, x above."""
    return np.asarray(np.where(x > 0, x, alpha * np.expm1(np.minimum(x, 0) / scale)))


def _hard_sigmoid(x: Array, alpha: float, beta: float) -> Array:
    return np.asarray(np.clip(x.dtype.type(alpha) * x + x.dtype.type(beta), 0, 1))


def _shrink(x: Array, op: Unary) -> Array:
    below = np.where(x < -op.alpha, x + op.beta, 0)
    return np.asarray(np.where(x > op.alpha, x - op.beta, below))


UNARY: dict[str, Callable[[Array, Unary], Array]] = {
    "abs": lambda x, op: np.abs(x),
    "acos": lambda x, op: np.arccos(x),
    "acosh": lambda x, op: np.arccosh(x),
    "asin": lambda x, op: np.arcsin(x),
    "asinh": lambda x, op: np.arcsinh(x),
    "atan": lambda x, op: np.arctan(x),
    "atanh": lambda x, op: np.arctanh(x),
    "bitwise_not": lambda x, op: np.bitwise_not(x),
    "ceil": lambda x, op: np.ceil(x),
    "celu": lambda x, op: _exponential(x, op.alpha, op.alpha),
    "cos": lambda x, op: np.cos(x),
    "cosh": lambda x, op: np.cosh(x),
    "elu": lambda x, op: _exponential(x, op.alpha),
    "erf": lambda x, op: _error_function(x),
    "exp": lambda x, op: np.exp(x),
    "floor": lambda x, op: np.floor(x),
    "gelu": lambda x, op: _gelu(x),
    "gelu_tanh": lambda x, op: _gelu_tanh(x),
    "hard_sigmoid": lambda x, op: _hard_sigmoid(x, op.alpha, op.beta),
    "hard_swish": lambda x, op: x * _hard_sigmoid(x, 1 / 6, 0.5),
    "isinf": lambda x, op: ((x == np.inf) & bool(op.alpha)) | ((x == -np.inf) & bool(op.beta)),
    "isnan": lambda x, op: np.isnan(x),
    "leaky_relu": lambda x, op: np.where(x < 0, x.dtype.type(op.alpha) * x, x),
    "log": lambda x, op: np.log(x),
    "mish": lambda x, op: x * np.tanh(_softplus(x)),
    "neg": lambda x, op: np.negative(x),
    "not": lambda x, op: np.logical_not(x),
    "reciprocal": lambda x, op: 1 / x,
    "round": lambda x, op: np.rint(x),
    "rsqrt": lambda x, op: 1 / np.sqrt(x),
    "selu": lambda x, op: op.beta * _exponential(x, op.alpha),
    "shrink": _shrink,
    "sigmoid": lambda x, op: _sigmoid(x),
    "sign": lambda x, op: np.sign(x),
    "sin": lambda x, op: np.sin(x),
    "sinh": lambda x, op: np.sinh(x),
    "softplus": lambda x, op: _softplus(x),
    "softsign": lambda x, op: x / (1 + np.abs(x)),
    "sqrt": lambda x, op: np.sqrt(x),
    "square": lambda x, op: x * x,
    "swish": lambda x, op: x * _sigmoid(x.dtype.type(op.alpha) * x),
    "tan": lambda x, op: np.tan(x),
    "tanh": lambda x, op: np.tanh(x),
    "thresholded_relu": lambda x, op: np.where(x > op.alpha, x, 0),
}
"""Function -> its numpy definition, of the elements and the operator's parameters."""


def _div(a: Array, b: Array) -> Array:
    if a.dtype.kind == "f":
        return np.asarray(a / b)
    whole = np.where(b == 0, 0, a // np.where(b == 0, 1, b))
    odd = (b != 0) & (a % np.where(b == 0, 1, b) != 0) & ((a < 0) != (b < 0))
    return np.asarray(whole + odd)


def _floor_div(a: Array, b: Array) -> Array:
    return np.floor(a / b) if a.dtype.kind == "f" else np.asarray(a // b)


def _prelu(a: Array, b: Array) -> Array:
    return np.where(a < 0, a * b, a)


def _pow(a: Array, b: Array) -> Array:
    """Powers of integers by repeated squaring, modulo their width."""
    if a.dtype.kind == "f":
        return np.asarray(np.power(a, b))
    base, rest = np.broadcast_arrays(a, b)
    result, square = np.ones_like(base), base.copy()
    rest = np.maximum(rest, 0)
    while rest.any():
        result = np.where(rest & 1, result * square, result)
        square, rest = square * square, rest >> 1
    if b.dtype.kind == "u":
        return result
    sign = np.where(b & 1, a, np.ones_like(a))
    return np.where(b < 0, np.where(np.abs(a) == 1, sign, 0), result)


def _shift_left(a: Array, b: Array) -> Array:
    return np.where(_bits_remain(a, b), np.left_shift(a, b), 0)


def _shift_right(a: Array, b: Array) -> Array:
    return np.where(_bits_remain(a, b), np.right_shift(a, b), np.zeros_like(a) - (a < 0))


def _bits_remain(a: Array, b: Array) -> Array:
    return np.asarray((b >= 0) & (b < 8 * a.dtype.itemsize))


BINARY: dict[str, Callable[[Array, Array], Array]] = {
    "and": np.logical_and,
    "atan2": np.arctan2,
    "bitwise_and": np.bitwise_and,
    "bitwise_or": np.bitwise_or,
    "bitwise_xor": np.bitwise_xor,
    "div": _div,
    "equal": np.equal,
    "floor_div": _floor_div,
    "floor_mod": np.mod,
    "fmod": np.fmod,
    "greater": np.greater,
    "greater_equal": np.greater_equal,
    "less": np.less,
    "less_equal": np.less_equal,
    "max": np.maximum,
    "min": np.minimum,
    "not_equal": np.not_equal,
    "or": np.logical_or,
    "pow": _pow,
    "prelu": _prelu,
    "shift_left": _shift_left,
    "shift_right": _shift_right,
    "squared_difference": lambda a, b: np.square(a - b),
    "xor": np.logical_xor,
}
"""Function -> its numpy definition, of two operands that broadcast."""


def unary(op: Unary, node: Node, x: Array) -> Array:
    """A function of each element; the result has the node's element type."""
    with np.errstate(all="ignore"):
        return np.asarray(UNARY[op.function](x, op)).astype(node.output.type.dtype.numpy)


def binary(op: Binary, node: Node, a: Array, b: Array) -> Array:
    """A function of pairs of elements; the result has the node's element type."""
    with np.errstate(all="ignore"):
        return np.asarray(BINARY[op.function](a, b)).astype(node.output.type.dtype.numpy)


def cast(op: Cast, node: Node, x: Array) -> Array:
    """Another element type; real numbers beyond an integer type become its nearest one."""
    if x.dtype.kind != "f" or not op.to.is_integer:
        with np.errstate(all="ignore"):
            return x.astype(op.to.numpy)
    return saturated(x, op.to)


def saturated(x: Array, to: DType) -> Array:
    """Real numbers as integers of a type: towards zero, NaN as 0, the rest within bounds."""
    low, high = to.bounds
    # 2**bits is exact in every float type, the largest integer need not be.
    above, below = x >= float(high + 1), x <= float(low)
    inside = np.where(above | below | np.isnan(x), 0, x).astype(to.numpy)
    limits = np.array([low, high], to.numpy)
    return np.where(above, limits[1], np.where(below, limits[0], inside))


def where(op: Where, node: Node, condition: Array, a: Array, b: Array) -> Array:
    """A choice between two operands."""
    return np.where(condition, a, b)


def copy(op: Copy, node: Node, x: Array) -> Array:
    """The same elements."""
    return np.array(x)


DEFINITIONS: dict[type[Op], Callable[..., Array]] = {
    Binary: binary,
    Cast: cast,
    Copy: copy,
    Unary: unary,
    Where: where,
}
