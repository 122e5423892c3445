"""Integer operators that round the real result once, as a DequantizeLinear, an operator on real
numbers and a QuantizeLinear do (`edgekit.ir.ops.integer` has TFLite's recipes)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from edgekit.ir.op import Op, Shape, require
from edgekit.ir.ops.elementwise import broadcast
from edgekit.ir.ops.integer import Requant
from edgekit.ir.ops.spatial import AvgPool2D, Window

LEVELS = 256
"""Different int8 numbers."""


@dataclass(frozen=True)
class QLookup(Op):
    """Any function of one int8 element: inputs x and a table of 256 int8, indexed by x + 128."""

    @property
    def label(self) -> str:
        return "a function of each element"

    def infer(self, shapes: Sequence[Shape]) -> tuple[Shape, ...]:
        require(shapes[1] == (LEVELS,), f"the table has shape {shapes[1]}, expected ({LEVELS},)")
        return (shapes[0],)


@dataclass(frozen=True)
class QMul(Op):
    """Product of two int8 tensors with broadcasting: ``(a - a_zero) * (b - b_zero)``,
    requantized."""

    requant: Requant
    a_zero: int = 0
    b_zero: int = 0

    def infer(self, shapes: Sequence[Shape]) -> tuple[Shape, ...]:
        return (broadcast(shapes[:2]),)


@dataclass(frozen=True)
class QMeanPool2D(Op):
    """Mean of int8 over a window, NHWC, to a quantization of its own.

    The sum of ``x - x_zero`` over the positions inside the input is requantized by the scale for
    their number: ``requant`` has one for each number from 1 to the kernel's area, or one for all
    where padding counts.
    """

    kernel: tuple[int, int]
    requant: Requant
    x_zero: int = 0
    window: Window = Window()

    @property
    def label(self) -> str:
        return "AvgPool2D"

    def infer(self, shapes: Sequence[Shape]) -> tuple[Shape, ...]:
        return AvgPool2D(self.kernel, self.window).infer(shapes)


@dataclass(frozen=True)
class QTableSoftmax(Op):
    """Softmax over the last axis, int8 to int8 of any quantization.

    Inputs are x and a table of 256 uint32: ``exp(-d * scale)`` for each difference ``d`` to the
    row's maximum, in units so small that the sum of a row fits 32 bits. An output is
    ``round(table[d] * factor / (sum * 2**factor_bits)) + zero_point``, ties to the even neighbour.

    Attributes:
        factor: the reciprocal of the output's scale times ``2**factor_bits``.
        factor_bits: its fraction bits.
        zero_point: of the output.
    """

    factor: int
    factor_bits: int
    zero_point: int

    @property
    def label(self) -> str:
        return "Softmax"

    def infer(self, shapes: Sequence[Shape]) -> tuple[Shape, ...]:
        require(shapes[1] == (LEVELS,), f"the table has shape {shapes[1]}, expected ({LEVELS},)")
        return (shapes[0],)
