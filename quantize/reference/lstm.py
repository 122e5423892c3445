"""Definition of the integer LSTM, after TFLite's kernel for int8 activations and int16 cells."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from edgekit.ir import Node
from edgekit.ir.ops import Op, QLstm, Requant
from quantize.reference.fixedpoint16 import logistic, saturate, tanh
from quantize.requantize import requantize, rounding_divide_by_pot

Array = NDArray[Any]
_GATE_BITS, _NEW = 3, 2
"""Integer bits of a gate before its activation; the place of the new content among the gates."""


def qlstm(
    op: QLstm, node: Node, x: Array, w: Array, r: Array, b_x: Array, b_h: Array, h: Array, c: Array
) -> tuple[Array, Array, Array]:
    """Every step: gates from x and h, then the cell, then h."""
    c = c.astype(np.int64)
    rows = []
    for step in range(x.shape[1]):
        sums = _product(x[:, step], w, b_x, op.from_x)
        sums = saturate(sums + _product(h, r, b_h, op.from_h))
        gates = [
            tanh(sums[:, i], _GATE_BITS) if i == _NEW else logistic(sums[:, i]) for i in range(4)
        ]
        kept = rounding_divide_by_pot(gates[1] * c, 15)
        new = rounding_divide_by_pot(gates[0] * gates[_NEW], 15 + op.cell_bits)
        c = saturate(kept + new)
        if op.cell_clip:
            c = np.clip(c, -op.cell_clip, op.cell_clip)
        h = requantize(gates[3] * tanh(c, op.cell_bits), op.hidden)
        rows.append(h)
    return np.stack(rows, axis=1), h, c.astype(np.int16)


def _product(x: Array, weights: Array, bias: Array, requant: Requant) -> NDArray[np.int64]:
    """(N, gates, H) in Q3.12: each gate has its own scale."""
    acc = np.einsum("ni,ghi->nhg", x.astype(np.int64), weights.astype(np.int64)) + bias.T
    return np.moveaxis(requantize(acc, requant, np.int64), 2, 1)


DEFINITIONS: dict[type[Op], Callable[..., Any]] = {QLstm: qlstm}
