"""Definitions of the recurrent layers, in float32."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from edgekit.ir import Node
from edgekit.ir.ops import Activation, Op, Recurrent
from edgekit.ir.ops.recurrent import DEFAULTS, GATES

Array = NDArray[Any]


def _sigmoid(x: Array) -> Array:
    small = np.exp(-np.abs(x))
    return np.asarray(np.where(x >= 0, 1, small) / (1 + small))


ACTIVATIONS: dict[str, Callable[[Array, Any, Any], Array]] = {
    "affine": lambda x, a, b: a * x + b,
    "elu": lambda x, a, b: np.where(x >= 0, x, a * np.expm1(np.minimum(x, 0))),
    "hard_sigmoid": lambda x, a, b: np.clip(a * x + b, 0, 1),
    "leaky_relu": lambda x, a, b: np.where(x >= 0, x, a * x),
    "relu": lambda x, a, b: np.maximum(x, 0),
    "scaled_tanh": lambda x, a, b: a * np.tanh(b * x),
    "sigmoid": lambda x, a, b: _sigmoid(x),
    "softplus": lambda x, a, b: np.maximum(x, 0) + np.log1p(np.exp(-np.abs(x))),
    "softsign": lambda x, a, b: x / (1 + np.abs(x)),
    "tanh": lambda x, a, b: np.tanh(x),
    "thresholded_relu": lambda x, a, b: np.where(x > a, x, 0),
}
"""`edgekit.ir.ops.recurrent.ACTIVATIONS`, of elements, alpha and beta."""


class _Direction:
    """One direction of a layer: weights by gate, and its functions."""

    def __init__(self, op: Recurrent, index: int, weights: Sequence[Array | None]) -> None:
        w, r, b, p = (None if v is None else v[index] for v in weights)
        assert w is not None
        assert r is not None
        self.op, gates, hidden = op, GATES[op.cell], r.shape[1]
        self.w, self.r = np.split(w, gates), np.split(r, gates)
        bias = np.zeros(2 * gates * hidden, np.float32) if b is None else b
        self.wb, self.rb = (np.split(v, gates) for v in np.split(bias, 2))
        self.p = np.split(np.zeros(3 * hidden, np.float32) if p is None else p, 3)
        count = len(DEFAULTS[op.cell])
        self.functions = op.activations[index * count : (index + 1) * count]

    def apply(self, which: int, x: Array) -> Array:
        """An activation of clipped elements (an LSTM's content is not clipped)."""
        function: Activation = self.functions[which]
        if self.op.clip is not None and which < 2:
            x = np.clip(x, np.float32(-self.op.clip), np.float32(self.op.clip))
        alpha, beta = np.float32(function.alpha), np.float32(function.beta)
        return np.asarray(ACTIVATIONS[function.function](x, alpha, beta), np.float32)

    def total(self, gate: int, x: Array, h: Array) -> Array:
        """What goes into a gate."""
        return np.asarray(x @ self.w[gate].T + h @ self.r[gate].T + self.wb[gate] + self.rb[gate])

    def step(self, x: Array, h: Array, c: Array) -> tuple[Array, Array]:
        """The next h and c."""
        if self.op.cell == "rnn":
            return self.apply(0, self.total(0, x, h)), c
        if self.op.cell == "gru":
            z, r = (self.apply(0, self.total(gate, x, h)) for gate in (0, 1))
            product = (h if self.op.reset_after else r * h) @ self.r[2].T + self.rb[2]
            product = r * product if self.op.reset_after else product
            new = self.apply(1, x @ self.w[2].T + self.wb[2] + product)
            return (1 - z) * new + z * h, c
        i = self.apply(0, self.total(0, x, h) + self.p[0] * c)
        f = 1 - i if self.op.couple else self.apply(0, self.total(2, x, h) + self.p[2] * c)
        c = f * c + i * self.apply(1, self.total(3, x, h))
        if self.op.cell_clip is not None:
            c = np.clip(c, np.float32(-self.op.cell_clip), np.float32(self.op.cell_clip))
        o = self.apply(0, self.total(1, x, h) + self.p[1] * c)
        return o * self.apply(2, c), c


def recurrent(
    op: Recurrent, node: Node, x: Array, w: Array, r: Array, *others: Array | None
) -> tuple[Array, ...]:
    """The layer, step by step; beyond a sequence's length y is 0 and the state stays."""
    b, lengths, h0, c0, p = (*others, *[None] * 5)[:5]
    steps, batch = x.shape[:2]
    state = (len(op.backwards), batch, r.shape[2])
    y = np.zeros((steps, *state), np.float32)
    h = np.zeros(state, np.float32) if h0 is None else h0.copy()
    c = np.zeros(state, np.float32) if c0 is None else c0.copy()
    length = np.full(batch, steps) if lengths is None else np.clip(lengths, 0, steps)
    for index, backwards in enumerate(op.backwards):
        direction = _Direction(op, index, (w, r, b, p))
        for step in range(steps):
            time = steps - 1 - step if backwards else step
            # Every sequence that reaches this time takes a step, the others wait.
            lives = (time < length)[:, None]
            new_h, new_c = direction.step(x[time], h[index], c[index])
            h[index], c[index] = np.where(lives, new_h, h[index]), np.where(lives, new_c, c[index])
            y[time, index] = np.where(lives, h[index], 0)
    return (y, h, c) if op.cell == "lstm" else (y, h)


DEFINITIONS: dict[type[Op], Callable[..., Any]] = {Recurrent: recurrent}
