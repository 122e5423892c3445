"""A quantized sum in one step: ``(a * first + b * second + offset) >> shift``, proven exhaustively.

An instruction set may drop low bits of each product on its own; then the factors have as many more.

The recipe of TFLite's Add rounds four times, on numbers with twenty bits more than its operands
have. Its result depends on 2**16 pairs of operands only, so a cheaper form can be compared on all
of them: for given factors each pair says which offsets give its output, and the offsets that suit
all pairs are an interval.
"""

from __future__ import annotations

import functools
import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from edgekit.ir.ops import QAdd, Rescale, Rounding
from quantize.requantize import requantize, scale_accumulator

OPERANDS = np.arange(-128, 128, dtype=np.int64)
NUDGES = 6
"""How far from the nearest integers factors are searched."""


@dataclass(frozen=True)
class AffineSum:
    """``clamp(((a * first >> dropped) + (b * second >> dropped) + offset) >> shift)``, zero points
    included.

    Attributes:
        first, second: factors of the operands as they are stored, int32.
        offset: zero points and rounding.
        shift: to the right; every sum fits into int32, also with 128 more or less as its output.
        dropped: bits that each product loses.
    """

    first: int
    second: int
    offset: int
    shift: int
    dropped: int = 0


@functools.lru_cache(maxsize=64)
def affine_sum(op: QAdd, most_shift: int = 24, dropped: int = 0) -> AffineSum | None:
    """The form of a sum of int8 tensors; None where no factors near the real scales are equal.

    Args:
        op: the sum.
        most_shift: largest shift, taken where sums allow it.
        dropped: bits that each product loses.
    """
    wanted = _wanted(op)
    scales = _scale(op, op.first), _scale(op, op.second)
    largest = sum(256 * abs(s) for s in scales) + 256
    shift = min(int(31 - math.log2(largest)), most_shift)
    factor = shift + dropped
    if shift < 1 or max(map(abs, scales)) * 2**factor >= 2**31 - NUDGES - 1:
        return None
    near = range(-NUDGES, NUDGES + 1)
    nudges = sorted(((da, db) for da in near for db in near), key=lambda n: abs(n[0]) + abs(n[1]))
    for da, db in nudges:
        first, second = (round(s * 2**factor) + d for s, d in zip(scales, (da, db), strict=True))
        product = (OPERANDS[:, None] * first >> dropped) + (OPERANDS * second >> dropped)
        low, high = op.requant.low, op.requant.high
        lowest = (wanted << shift) - product
        highest = lowest + (1 << shift) - 1
        least, most = (
            lowest[wanted > low].max(initial=-(2**62)),
            highest[wanted < high].min(initial=2**62),
        )
        offset = int(max(least, min(most, 0)))
        sums = product + offset
        room = 2**31 - (128 << shift)
        if least <= most and sums.min() >= -room and sums.max() < room:
            return AffineSum(first, second, offset, shift, dropped)
    return None


def _wanted(op: QAdd) -> NDArray[np.int64]:
    """Outputs for all pairs of operands, the first one along axis 0."""
    rule = Rounding.DOUBLE if op.requant.rule is Rounding.DOUBLE else Rounding.SINGLE
    parts = [
        scale_accumulator(
            (OPERANDS - r.zero_point) << op.left_shift, (r.multiplier,), (r.shift,), rule
        )
        for r in (op.first, op.second)
    ]
    return requantize(parts[0][:, None] + parts[1], op.requant, np.int64)


def _scale(op: QAdd, operand: Rescale) -> float:
    """Real factor from a stored operand to the output."""
    q = op.requant
    own = math.ldexp(operand.multiplier, operand.shift - 31 + op.left_shift)
    if q.rule is Rounding.HIGH:
        return own * math.ldexp(q.multiplier[0], -32)
    return own * math.ldexp(q.multiplier[0], q.shift[0] - 31)
