"""Dense layers and matrix products."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from edgekit.ir.op import Op, Shape, require
from edgekit.ir.ops.elementwise import Clamp, broadcast


@dataclass(frozen=True)
class Dense(Op):
    """``y[n, o] = sum_k x[n, k] * w[o, k] + b[o]``: inputs x (N, K), w (O, K), optional b (O,)."""

    clamp: Clamp | None = None

    def infer(self, shapes: Sequence[Shape]) -> tuple[Shape, ...]:
        x, w = shapes[0], shapes[1]
        require(len(x) == 2 and len(w) == 2, f"expected x (N, K) and w (O, K), found {x} and {w}")
        require(x[1] == w[1], f"x has {x[1]} columns, weights have {w[1]}")
        if len(shapes) > 2 and shapes[2] != ():
            require(shapes[2] == (w[0],), f"bias shape {shapes[2]}, expected {(w[0],)}")
        return ((x[0], w[0]),)

    def macs(self, shapes: Sequence[Shape]) -> int:
        return shapes[0][0] * shapes[0][1] * shapes[1][0]


@dataclass(frozen=True)
class MatMul(Op):
    """Matrix products of tensors (..., N, K) and (..., K, M); leading axes broadcast."""

    def infer(self, shapes: Sequence[Shape]) -> tuple[Shape, ...]:
        a, b = shapes
        fits = len(a) >= 2 and len(b) >= 2 and a[-1] == b[-2]
        require(fits, f"cannot multiply {a} by {b}")
        return ((*broadcast([a[:-2], b[:-2]]), a[-2], b[-1]),)

    def macs(self, shapes: Sequence[Shape]) -> int:
        return math.prod(self.infer(shapes)[0]) * shapes[0][-1]


@dataclass(frozen=True)
class Det(Op):
    """Determinants of square matrices in the last two axes."""

    def infer(self, shapes: Sequence[Shape]) -> tuple[Shape, ...]:
        x = shapes[0]
        require(len(x) >= 2 and x[-1] == x[-2], f"expected square matrices, found {x}")
        return (x[:-2],)
