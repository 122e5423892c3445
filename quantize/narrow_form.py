"""TFLite's 16-bit requantization by the high word of one product, where sums fit into 32 bits.

`Rounding.REDUCED` is ``(acc * m + 2**(t - 1)) >> t`` with ``t = 15 - shift``. For every ``t`` from
16 to 32 that is exactly ``(acc * M + 2**31) >> 32`` with ``M = m << (32 - t)``, which has 31 bits,
so that nothing has to be searched or tried: only the sum has to be small enough.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from edgekit.ir.ops import Requant, Rounding

SHIFTS = -17, -1
"""Smallest and largest exponent of a channel whose multiplier is not 0."""


def narrow_form(
    requant: Requant, weights: NDArray[np.int8], bias: NDArray[Any]
) -> NDArray[np.int64] | str:
    """``M`` of every channel, or why there is none.

    Args:
        requant: the rule.
        weights: output channel first; inputs are int16 with zero point 0.
        bias: one per channel.
    """
    if requant.rule is not Rounding.REDUCED:
        return "not TFLite's scale of 16 bits"
    multiplier, shift = (np.array(v, np.int64) for v in (requant.multiplier, requant.shift))
    shift = np.where(multiplier == 0, SHIFTS[0], shift)
    if (shift < SHIFTS[0]).any() or (shift > SHIFTS[1]).any():
        return "a scale beyond the high word of a product"
    reach = 2**15 * np.abs(weights.astype(np.int64)).reshape(len(weights), -1).sum(axis=1)
    if (reach + np.abs(bias.astype(np.int64)) >= 2**31).any():
        return "sums beyond 32 bits"
    return np.broadcast_to(multiplier << (shift - SHIFTS[0]), (len(weights),))
