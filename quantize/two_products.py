"""Requantization by two 32-bit products, proven channel by channel.

A core whose products have 32 bits computes ``(acc * m + c * 2**11) >> (11 + s)`` without a longer
one: with ``m = upper * 2**11 + lower`` that is ``(acc * upper + (acc * lower >> 11) + c) >> s``, as
long as no sum leaves 32 bits. It is the form of `quantize.high_word` with a multiplier of some 24
bits and a coarser constant: rounding, bias and zero point are all inside ``c``. A channel's numbers
are taken only if they agree with the rule on both sides of every step of the output
(`quantize.thresholds`).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from edgekit.ir.ops import Requant
from quantize.high_word import real_scales
from quantize.memo import by_content
from quantize.thresholds import affine_offsets, find_steps, widest_multiplier

Int = NDArray[np.int64]
LOWER, UPPER = 11, 16
"""Most bits of the multiplier's parts: sums of 20 bits times the lower one fit into a word."""
_NUDGES = (0, 1, -1, 2, -2, None)


@dataclass(frozen=True)
class TwoProducts:
    """The form of every channel.

    Attributes:
        multiplier: ``m``.
        constant: ``c``.
        shift: ``s``.
        found: channels that have the form.
    """

    multiplier: Int
    constant: Int
    shift: Int
    found: NDArray[np.bool_]

    def apply(self, acc: Int, requant: Requant) -> Int:
        """What the form computes: ``acc`` (without bias) with the channels in its last axis."""
        total = self._sums(acc)[-1]
        return np.asarray(np.clip(total >> self.shift, requant.low, requant.high))

    def fits(self, acc: Int) -> NDArray[np.bool_]:
        """Channels all of whose sums stay inside a word, with 128 steps of the output added too."""
        margin = 128 << self.shift
        largest = np.max([np.abs(s).max(axis=0) for s in self._sums(acc)], axis=0)
        return np.asarray(largest + margin < 2**31)

    def words(self) -> NDArray[np.int32]:
        """Both parts of ``m`` in one, ``c``, ``s`` of each channel, as cores load them.

        The first word is negative, which tells channels of this form from others; 128 is added to
        the output, so that it fits where no bit above the lowest eight is set.
        """
        parts = self.multiplier >> LOWER | (self.multiplier % (1 << LOWER)) << UPPER
        constant = self.constant + (128 << self.shift)
        return np.stack([parts - 2**31, constant, self.shift], axis=1).astype(np.int32)

    def _sums(self, acc: Int) -> tuple[Int, ...]:
        upper, lower = self.multiplier >> LOWER, self.multiplier % (1 << LOWER)
        product = acc * upper
        both = product + (acc * lower >> LOWER)
        return acc * lower, product, both, both + self.constant


@by_content(64)
def two_products(requant: Requant, bias: Int, bounds: tuple[Int, Int]) -> TwoProducts:
    """The form of every channel that has one.

    Args:
        requant: the rule.
        bias: one per channel, every zero point folded in.
        bounds: smallest and largest sum of products of each channel, without the bias.
    """
    steps = find_steps(requant, bias + bounds[0], bias + bounds[1])
    shift, waiting = np.full(len(bias), 8), ~steps.constant
    form = TwoProducts(np.zeros_like(bias), steps.wanted[0] << 8, shift, ~waiting)
    largest = np.max([*np.abs(bounds), *np.abs(bias + bounds)], axis=0)
    most = np.minimum(2**30 // (largest + 1) << LOWER, 2 ** (LOWER + UPPER) - 1)
    significand, total = real_scales(requant, len(bias))
    while (cut := significand > most).any():
        significand, total = significand >> cut, total - cut
    for nudge in _NUDGES:
        for each in np.unique(total[waiting & (total > LOWER)]):
            which = np.flatnonzero(waiting & (total == each))
            column, near = steps.of(which), significand[which]
            if nudge is None:
                tried = widest_multiplier(column, near, int(each), 2 ** (LOWER + UPPER) - 1)
            else:
                tried = near + nudge
            multiplier = np.clip(tried, 0, most[which])
            lowest, highest = affine_offsets(column, multiplier, int(each))
            moved = bias[which] * multiplier
            constant = -(-(lowest + moved) >> LOWER)
            form.multiplier[which], form.constant[which] = multiplier, constant
            shift[which] = each - LOWER
            right = ((constant << LOWER) - moved <= highest) & (lowest <= highest)
            form.found[which] = right & form.fits(np.stack(bounds))[which]
            waiting &= ~form.found
    return form
