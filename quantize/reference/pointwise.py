"""Definitions of the element-wise functions, on real and on plain integer tensors."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from edgekit.ir import Node
from edgekit.ir.ops import Binary, Cast, Copy, Op, Unary, Where

Array = NDArray[Any]


def _sigmoid(x: Array, op: Unary) -> Array:
    small = np.exp(-np.abs(x))  # never overflows
    return np.asarray(np.where(x >= 0, 1, small) / (1 + small))


UNARY: dict[str, Callable[[Array, Unary], Array]] = {
    "abs": lambda x, op: np.abs(x),
    "exp": lambda x, op: np.exp(x),
    "log": lambda x, op: np.log(x),
    "neg": lambda x, op: np.negative(x),
    "not": lambda x, op: np.logical_not(x),
    "sigmoid": _sigmoid,
    "sqrt": lambda x, op: np.sqrt(x),
    "tanh": lambda x, op: np.tanh(x),
}
"""Function -> its numpy definition, of the elements and the operator's parameters."""


def _div(a: Array, b: Array) -> Array:
    if a.dtype.kind == "f":
        return np.asarray(a / b)
    whole = np.where(b == 0, 0, a // np.where(b == 0, 1, b))
    odd = (b != 0) & (a % np.where(b == 0, 1, b) != 0) & ((a < 0) != (b < 0))
    return np.asarray(whole + odd)


BINARY: dict[str, Callable[[Array, Array], Array]] = {
    "div": _div,
    "equal": lambda a, b: np.equal(a, b),
    "greater": lambda a, b: np.greater(a, b),
    "less": lambda a, b: np.less(a, b),
    "max": lambda a, b: np.maximum(a, b),
    "min": lambda a, b: np.minimum(a, b),
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
    """Another element type."""
    with np.errstate(all="ignore"):
        return x.astype(op.to.numpy)


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
