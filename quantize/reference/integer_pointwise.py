"""Definitions of the element-wise integer operators."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from edgekit.ir import Node
from edgekit.ir.ops import (
    Op,
    QCompare,
    QPrelu,
    QSquaredDifference,
    Rescale,
    Rounding,
)
from quantize.reference.pointwise import BINARY
from quantize.requantize import requantize, scale_accumulator

Array = NDArray[Any]


def qprelu(op: QPrelu, node: Node, x: Array, slope: Array) -> Array:
    """One requantization where ``x >= x_zero``, another of the product elsewhere."""
    centred = np.broadcast_to(x.astype(np.int64) - op.x_zero, node_shape(x, slope))
    product = centred * (slope.astype(np.int64) - op.slope_zero)
    positive = requantize(centred, op.positive)
    return np.where(centred >= 0, positive, requantize(product, op.negative))


def qsquared_difference(op: QSquaredDifference, node: Node, a: Array, b: Array) -> Array:
    """Square of the rescaled difference, requantized."""
    difference = scaled(a, op.first, op.left_shift) - scaled(b, op.second, op.left_shift)
    return requantize(difference * difference, op.requant)


def qcompare(op: QCompare, node: Node, a: Array, b: Array) -> Array:
    """Comparison of the rescaled operands."""
    first, second = scaled(a, op.first, op.left_shift), scaled(b, op.second, op.left_shift)
    return BINARY[op.function](first, second)


def node_shape(a: Array, b: Array) -> tuple[int, ...]:
    """The shape to which two arrays broadcast."""
    return np.broadcast_shapes(a.shape, b.shape)


def scaled(x: Array, rescale: Rescale, left_shift: int) -> NDArray[np.int64]:
    """An operand shifted left and rescaled by the rule DOUBLE."""
    shifted = (x.astype(np.int64) - rescale.zero_point) << left_shift
    return scale_accumulator(shifted, (rescale.multiplier,), (rescale.shift,), Rounding.DOUBLE)


DEFINITIONS: dict[type[Op], Callable[..., Array]] = {
    QCompare: qcompare,
    QPrelu: qprelu,
    QSquaredDifference: qsquared_difference,
}
