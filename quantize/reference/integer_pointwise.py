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
    QLeakyRelu,
    QPrelu,
    QSigmoid,
    QSquaredDifference,
    QTanh,
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


def qleaky_relu(op: QLeakyRelu, node: Node, x: Array) -> Array:
    """One requantization where x is not negative, another elsewhere."""
    wide = x.astype(np.int64)
    positive, negative = (requantize(wide, q, x.dtype) for q in (op.positive, op.negative))
    return np.where(wide >= 0, positive, negative)


def _sigmoid_table() -> NDArray[np.int64]:
    """Sigmoid of 0 to 255 / 24 in units of 1/65536. Straight lines between points of the curve lie
    below it, so each point is raised by a sixteenth of the curve's bend over one step; the last
    one is the limit. Equal to the table in TFLite's int16 kernels."""
    curve = 1 / (1 + np.exp(-np.arange(256) / 24))
    bend = curve * (1 - curve) * (2 * curve - 1) / 24**2
    table = np.rint(65536 * (curve + bend / 16)).astype(np.int64)
    table[-1] = 65535
    return table


SIGMOID_TABLE = _sigmoid_table()


def qsigmoid(op: QSigmoid, node: Node, x: Array) -> Array:
    """Linear between two entries, 512 steps apart."""
    argument = _argument(op, x)
    result = _between(np.abs(argument), 9, 0x7FFF << 10)
    mirrored = (1 << 25) - result + (1 << 9) - 1
    return np.asarray(np.where(argument >= 0, result + (1 << 9), mirrored) >> 10, np.int16)


def qtanh(op: QTanh, node: Node, x: Array) -> Array:
    """The sigmoid of twice the argument: entries are 256 steps apart."""
    argument = _argument(op, x)
    result = _between(np.abs(argument), 8, 0xFFFF << 8)
    above, below = result - (1 << 23) + (1 << 7), -result + (1 << 23) + (1 << 7) - 1
    return np.asarray(np.where(argument >= 0, above, below) >> 8, np.int16)


def _argument(op: QSigmoid | QTanh, x: Array) -> NDArray[np.int64]:
    half = 1 << (op.right_shift - 1) if op.right_shift > 0 else 0
    return np.asarray((x.astype(np.int64) * op.multiplier + half) >> op.right_shift)


def _between(magnitude: NDArray[np.int64], bits: int, last: int) -> NDArray[np.int64]:
    """The table, interpolated by the low ``bits`` of the argument; ``last`` beyond its end."""
    table = SIGMOID_TABLE
    index = np.minimum(magnitude >> bits, 254)
    rest = magnitude & ((1 << bits) - 1)
    result = (table[index] << bits) + rest * (table[index + 1] - table[index])
    return np.where(magnitude >> bits >= 255, last, result)


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
    QLeakyRelu: qleaky_relu,
    QPrelu: qprelu,
    QSigmoid: qsigmoid,
    QSquaredDifference: qsquared_difference,
    QTanh: qtanh,
}
