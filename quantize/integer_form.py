"""An integer equal of the FLOAT rounding rule, proven channel by channel.

FLOAT computes ``round(double(acc) * scale)``, ties away from zero. A core without doubles
should not have to: ``sign(acc) * ((|acc| * m + 2**(30 - s)) >> (31 - s))`` needs one 64-bit
product. Both are odd, monotone step functions of the accumulator, so they are equal wherever they
agree on both sides of every step that the clamped output can show. That is checked for each
channel; where no nearby significand passes, the generated code keeps the double.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from edgekit.ir.ops import Requant
from quantize.requantize import bits_float, quantize_multiplier, round_half_away

_NUDGES = (0, 1, -1, 2, -2, 3, -3)
_AROUND = np.arange(-3, 4, dtype=np.int64)


def symmetric_form(
    requant: Requant, bound: NDArray[np.int64]
) -> tuple[NDArray[np.int32], NDArray[np.int32]] | None:
    """Significands and exponents of the integer form, one per channel of ``requant``.

    Args:
        requant: with rule FLOAT.
        bound: largest accumulator magnitude, per channel.

    Returns:
        The proven form, or None where a channel has none.
    """
    levels = _levels(requant)
    limit = np.minimum(bound, 2**31 - 1)
    if len(requant.multiplier) == 1:
        limit = limit.max(keepdims=True)
    pairs = []
    for bits, top in zip(requant.multiplier, limit, strict=True):
        pair = _channel_form(bits_float(bits), int(top), levels)
        if pair is None:
            return None
        pairs.append(pair)
    form = np.array(pairs, np.int64).astype(np.int32)
    return form[:, 0], form[:, 1]


def _levels(requant: Requant) -> NDArray[np.float64]:
    """Magnitudes at which the clamped output can step."""
    far = max(abs(requant.low - requant.zero_point), abs(requant.high - requant.zero_point))
    return np.arange(far + 1, dtype=np.float64) + 0.5


def _channel_form(scale: float, top: int, levels: NDArray[np.float64]) -> tuple[int, int] | None:
    multiplier, shift = quantize_multiplier(scale)
    total = 31 - shift
    if not multiplier or not 1 <= total <= 62:
        return None
    near = np.minimum(np.floor(levels / scale), 2.0**31).astype(np.int64)
    points = np.clip((near[:, None] + _AROUND).ravel(), 0, top)
    wanted = round_half_away(points.astype(np.float64) * scale).astype(np.int64)
    for nudge in _NUDGES:
        candidate = multiplier + nudge
        if candidate >= 2**31:
            continue
        found = (points * candidate + (1 << (total - 1))) >> total
        if np.array_equal(found, wanted):
            return candidate, shift
    return None
