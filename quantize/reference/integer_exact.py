"""Definitions of the integer operators that round the real result once."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from edgekit.ir import Node
from edgekit.ir.ops import Op, QLookup, QMeanPool2D, QMul, QTableSoftmax
from quantize.reference.windows import pad_spatial, taps, window_counts
from quantize.requantize import requantize

Array = NDArray[Any]


def qlookup(op: QLookup, node: Node, x: Array, table: Array) -> Array:
    """``table[x + 128]``."""
    return np.asarray(table[x.astype(np.int64) + 128])


def qmul(op: QMul, node: Node, a: Array, b: Array) -> Array:
    """``(a - a_zero) * (b - b_zero)``, requantized."""
    product = (a.astype(np.int64) - op.a_zero) * (b.astype(np.int64) - op.b_zero)
    return requantize(product, op.requant, a.dtype)


def qmean_pool(op: QMeanPool2D, node: Node, x: Array) -> Array:
    """The sum over a window, requantized by the scale for its number of positions."""
    padded = pad_spatial(x.astype(np.int64) - op.x_zero, op.window, 0)
    total = np.asarray(sum(view for _, _, view in taps(padded, op.window, op.kernel)))
    if len(op.requant.multiplier) == 1:
        return requantize(total, op.requant)
    counts = np.broadcast_to(window_counts(x.shape, op.window, op.kernel), total.shape)
    out = np.empty(total.shape, np.int8)
    for count in np.unique(counts):
        multiplier, shift = (
            t[count - 1 : count] for t in (op.requant.multiplier, op.requant.shift)
        )
        own = replace(op.requant, multiplier=multiplier, shift=shift)
        out[counts == count] = requantize(total[counts == count], own)
    return out


def qtable_softmax(op: QTableSoftmax, node: Node, x: Array, table: Array) -> Array:
    """Powers from the table, divided by their sum."""
    difference = x.max(axis=-1, keepdims=True).astype(np.int64) - x
    powers = table.astype(np.int64)[difference]
    unit = 2 * (powers.sum(axis=-1, keepdims=True) << op.factor_bits)
    total = 2 * powers * op.factor + unit // 2
    whole = total // unit
    whole -= (total % unit == 0) & (whole % 2 == 1)
    return np.asarray(np.clip(whole + op.zero_point, -128, 127).astype(np.int8))


DEFINITIONS: dict[type[Op], Callable[..., Array]] = {
    QLookup: qlookup,
    QMeanPool2D: qmean_pool,
    QMul: qmul,
    QTableSoftmax: qtable_softmax,
}
