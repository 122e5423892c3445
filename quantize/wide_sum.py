"""A quantized sum of int16 tensors without what its recipe need not do.

TFLite shifts both operands left by 15 bits, rescales them to twice the larger scale, adds and
rescales the sum. The operand with that scale is then multiplied by exactly 2**14, and a rounding
doubling high product of a number that is even (``x << 16``, or twice the sum) is the rounded high
word of another, which cores have an instruction for. Nothing has to be searched or tried.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

from edgekit.ir import DType, Node
from edgekit.ir.ops import QAdd, Rescale, Rounding

HALF = 2**30
"""Significand of a scale of a half."""
MOST_SHIFT = 30


@dataclass(frozen=True)
class WideSum:
    """``plain * factor + round_1(other * 2**16, multiplier)``, then ``round_2``.

    A rounding takes the high word of a product, rounded for DOUBLE (and where ``shift`` is 0) or
    not, and shifts it to the right: half away from zero for DOUBLE, half up for SINGLE.

    Attributes:
        swapped: the second operand is the plain one.
        factor: 2**14 or its negative.
        multiplier, shift: of the other operand.
        scale, out_shift: of the sum; DOUBLE doubles it before.
        once: SINGLE instead of DOUBLE.
        low: smallest output; the largest is 2**15 - 1.
    """

    swapped: bool
    factor: int
    multiplier: int
    shift: int
    scale: int
    out_shift: int
    once: bool
    low: int

    @property
    def half(self) -> int:
        """Added before the other operand's shift."""
        return 1 << self.shift >> 1

    @property
    def out_half(self) -> int:
        """Added before the sum's shift."""
        return 1 << self.out_shift >> 1


def wide_sum(node: Node) -> WideSum | str:
    """The form of a sum, or why it has none."""
    op = node.op
    assert isinstance(op, QAdd)
    values, q = (node.input(0), node.input(1), node.output), op.requant
    if {v.type.dtype for v in values} != {DType.INT16}:
        return "not a sum of int16 tensors"
    if any(v.type.shape != node.output.type.shape for v in values):
        return "an operand is repeated"
    if q.rule not in (Rounding.DOUBLE, Rounding.SINGLE) or op.left_shift != 15:
        return "a recipe that is not TFLite's"
    if q.zero_point or op.first.zero_point or op.second.zero_point or q.high != 2**15 - 1:
        return "a zero point or a clamp of its own"
    plain = [r for r in (op.first, op.second) if abs(r.multiplier) == HALF and r.shift == 0]
    if not plain:
        return "no operand has the larger scale"
    swapped = plain[0] is not op.first
    other = op.first if swapped else op.second
    once = q.rule is Rounding.SINGLE
    out_shift = -q.shift[0] - once
    if not (0 <= -other.shift <= MOST_SHIFT and 1 <= out_shift <= MOST_SHIFT):
        return "a shift to the left"
    if not _fits(plain[0], other):
        return "sums beyond 31 bits"
    return WideSum(
        swapped, plain[0].multiplier >> 16, other.multiplier, -other.shift, q.multiplier[0],
        out_shift, once, q.low,
    )  # fmt: skip


def _fits(plain: Rescale, other: Rescale) -> bool:
    """Whether twice every sum is inside int32."""
    low, high = 0.0, 1.0
    for r in (plain, other):
        ends = [math.ldexp(x * r.multiplier, r.shift - 16) for x in (-(2**15), 2**15 - 1)]
        low, high = low + min(ends), high + max(ends)
    return low >= -HALF and high < HALF
