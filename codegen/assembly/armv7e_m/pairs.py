"""Two filters in one register: how SMLAD multiplies four 8-bit weights at once.

A halfword holds ``a + 256 * b`` of one weight of each filter. SMLAD on the word adds the products
of both, the second 256 times; SMLAD on its SXTB16 adds those of ``a`` alone, and the difference of
the two sums is 256 times the second. So a byte of flash holds a weight, and one SXTB16 expands two.
Four consecutive inputs are two words of halfwords, (0, 2) and (1, 3), as SXTB16 leaves them.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from codegen.assembly.block import Block

Int = NDArray[np.int64]
STEP = 4
"""Inputs whose weights are packed together."""
UPPER_LIMIT = 1 << 23
"""Bound of the second filter's sum: 256 times of it is in one register."""


def pack_pairs(first: Int, second: Int) -> NDArray[np.int32]:
    """Weights of pairs of filters.

    Args:
        first, second: int8 values of shape (pairs, inputs), inputs a multiple of `STEP`.

    Returns:
        Words of shape (pairs, inputs / 2), in the order in which they are multiplied.
    """
    halves = (first.astype(np.int64) + 256 * second).reshape(len(first), -1, STEP)
    low, high = halves[:, :, :2], halves[:, :, 2:]
    words = (low & 0xFFFF) | (high & 0xFFFF) << 16
    return words.reshape(len(first), -1).astype(np.uint32).view(np.int32)


def misfits(first: Int, second: Int) -> NDArray[np.bool_]:
    """Pairs of which a halfword does not hold its two weights: -128 above a negative one."""
    halves = first.astype(np.int64) + 256 * second
    return np.asarray((halves < -(1 << 15)).any(axis=1))


def multiply_pair(b: Block, x: str, word: str, sums: Sequence[str]) -> None:
    """Two inputs times a word of a pair of filters, which is expanded."""
    first, second = sums
    b.op(f"smlad {second}, {x}, {word}, {second}")
    b.op(f"sxtb16 {word}, {word}")
    b.op(f"smlad {first}, {x}, {word}, {first}")
