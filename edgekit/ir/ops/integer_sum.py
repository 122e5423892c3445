"""Sums of products of 8-bit integers, whose scales are known at run time only: ONNX's MatMulInteger
and ConvInteger. Results are int32 and wrap around."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from edgekit.ir.dtype import DType
from edgekit.ir.op import Op, Shape, require
from edgekit.ir.ops.dense import MatMul
from edgekit.ir.ops.spatial import Conv2D, Window


@dataclass(frozen=True)
class MatMulInteger(Op):
    """``(a - a_zero) (b - b_zero)`` of stacks of matrices.

    Inputs are a, b and optionally the zero points: one for a, one or one for each column for b.
    """

    def infer(self, shapes: Sequence[Shape]) -> tuple[Shape, ...]:
        out = MatMul().infer(shapes[:2])
        _check_zeros(shapes, shapes[1][-1])
        return out

    def dtypes(self, dtypes: Sequence[DType | None]) -> tuple[DType, ...]:
        return (DType.INT32,)

    def macs(self, shapes: Sequence[Shape]) -> int:
        return MatMul().macs(shapes[:2])


@dataclass(frozen=True)
class ConvInteger(Op):
    """Convolution of ``x - x_zero`` in NCHW with ``w - w_zero``; padding contributes nothing.

    Inputs are x, weights and optionally the zero points: one for x, one or one for each filter for
    the weights.
    """

    window: Window = Window()
    groups: int = 1

    def infer(self, shapes: Sequence[Shape]) -> tuple[Shape, ...]:
        out = Conv2D(self.window, self.groups, "NCHW").infer(shapes[:2])
        _check_zeros(shapes, shapes[1][0])
        return out

    def dtypes(self, dtypes: Sequence[DType | None]) -> tuple[DType, ...]:
        return (DType.INT32,)

    def macs(self, shapes: Sequence[Shape]) -> int:
        per_output = shapes[1][1] * shapes[1][2] * shapes[1][3]
        n, c, h, w = self.infer(shapes)[0]
        return n * c * h * w * per_output


def _check_zeros(shapes: Sequence[Shape], channels: int) -> None:
    first, second = (shapes[i] if len(shapes) > i else () for i in (2, 3))
    require(first in ((), (1,)), f"the first zero point has shape {first}, expected a scalar")
    allowed = ((), (1,), (channels,))
    require(second in allowed, f"the second zero point has shape {second}, expected ({channels},)")
