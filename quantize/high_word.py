"""Requantization by the high word of one 64-bit product, proven channel by channel.

A 32-bit core computes ``(acc * m + c) >> (32 + s)`` as a long multiply-accumulate and a shift of
its high word: the rounding, the bias and the output's zero point are all inside ``c``. Where TFLite
rounds twice (`Rounding.DOUBLE`) and negative values are not clamped away, the second rounding
depends on the sign, and the *signed* form spells it out: ``x = (acc * m + c) >> 31``, less one if
negative, plus ``(2 * zero_point + 1) << s >> 1``, shifted right by ``s``.

The shift travels in the low byte of ``c``, whose other bits hold the constant; that moves the
constant by less than 2**-23 of its high word. A channel's form is taken only if it agrees with the
rule on both sides of every step of the clamped output (`quantize.thresholds`).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from edgekit.ir.ops import Requant, Rounding
from quantize.memo import by_content
from quantize.requantize import bits_float, quantize_multiplier
from quantize.thresholds import Steps, affine_offsets, find_steps, widest_multiplier

Int = NDArray[np.int64]
BYTE = 256
LIMIT = 2**62
"""Products and constants stay below it, so that sums of two fit into 64 bits."""
MAX_TOTAL = 52
"""Largest shift of the product in the plain form; smaller scales take a smaller significand."""
SIGNED_MAX_SHIFT = 22
"""Half a step and the zero point stay inside 32 bits."""
_NUDGES = (0, 1, -1, 2, -2)


@dataclass(frozen=True)
class HighWord:
    """The form of every channel.

    Attributes:
        multiplier: ``m``, int64 in [0, 2**31).
        constant: ``c``, int64; its low byte is the shift ``s``.
        signed: which of the two forms.
        zero_point: of the output; the signed form adds it last.
    """

    multiplier: Int
    constant: Int
    signed: bool
    zero_point: int

    def apply(self, acc: Int, requant: Requant) -> Int:
        """What the form computes: ``acc`` (without bias) with the channels in its last axis."""
        shift = self.constant % BYTE
        total = acc * self.multiplier + self.constant
        if self.signed:
            x = total >> 31
            x = x + (x >> 63) + ((2 * self.zero_point + 1) << shift >> 1)
            return np.asarray(np.clip(x >> shift, requant.low, requant.high))
        return np.asarray(np.clip(total >> 32 >> shift, requant.low, requant.high))

    def fits(self, acc: Int) -> NDArray[np.bool_]:
        """Channels for which every intermediate result stays inside its register."""
        half = np.abs(2 * self.zero_point + 1) << self.constant % BYTE
        x = np.abs((acc * self.multiplier + self.constant) >> 31).max(axis=0)
        return np.asarray(x + half < 2**31) if self.signed else np.ones(len(half), bool)

    def words(self) -> NDArray[np.int32]:
        """``m``, low and high word of ``c`` of each channel, as cores load them."""
        low = ((self.constant + 2**31) % 2**32 - 2**31).astype(np.int32)
        high = (self.constant >> 32).astype(np.int32)
        return np.stack([self.multiplier.astype(np.int32), low, high], axis=1)


def high_word(
    requant: Requant, bias: Int, bounds: tuple[Int, Int], bits: int = 31
) -> HighWord | None:
    """The proven form of a layer, the plain one where possible; None where a channel has none.

    Args:
        requant: the rule.
        bias: one per channel, every zero point folded in.
        bounds: smallest and largest sum of products of each channel, without the bias.
        bits: of the multiplier in the plain form; the signed one keeps all 31.
    """
    form, lacking = _best(requant, bias, bounds, bits)
    return None if lacking.any() else form


def without_high_word(
    requant: Requant, bias: Int, bounds: tuple[Int, Int], bits: int = 31
) -> NDArray[np.bool_]:
    """Channels without a form, of the form that serves most; arguments as for `high_word`."""
    return _best(requant, bias, bounds, bits)[1]


@by_content(64)
def _best(
    requant: Requant, bias: Int, bounds: tuple[Int, Int], bits: int
) -> tuple[HighWord, NDArray[np.bool_]]:
    steps = find_steps(requant, bias + bounds[0], bias + bounds[1])
    plain = _plain(requant, bias, steps, bits)
    if not plain[1].any() or requant.rule is not Rounding.DOUBLE:
        return plain
    signed = _signed(requant, bias, steps)
    return min(plain, signed, key=lambda found: int(found[1].sum()))


def _plain(
    requant: Requant, bias: Int, steps: Steps, bits: int
) -> tuple[HighWord, NDArray[np.bool_]]:
    """The plain form, and the channels for which it is not right."""
    form = HighWord(np.zeros_like(bias), (steps.wanted[0] << 40) + 8, False, requant.zero_point)
    significand, total = real_scales(requant, len(bias))
    while (cut := (total > MAX_TOTAL) | (significand >= 1 << bits)).any():
        significand, total = significand >> cut, total - cut
    waiting = ~steps.constant
    for nudge in (*_NUDGES, None):
        for shift in np.unique(total[waiting & (total >= 32)]) - 32:
            which = np.flatnonzero(waiting & (total == shift + 32))
            column, near = steps.of(which), significand[which]
            if nudge is None:
                tried = widest_multiplier(column, near, int(shift) + 32, (1 << bits) - 1)
            else:
                tried = near + nudge
            multiplier, inside = np.clip(tried, 0, (1 << bits) - 1), bias[which]
            lowest, highest = affine_offsets(column, multiplier, int(shift) + 32)
            # The smallest constant from there on whose low byte is the shift.
            offset = lowest + inside * multiplier - shift
            constant = -(-offset // BYTE) * BYTE + shift
            found = (constant - inside * multiplier <= highest) & (lowest <= highest)
            found &= np.abs(constant) < LIMIT
            form.multiplier[which[found]] = multiplier[found]
            form.constant[which[found]] = constant[found]
            waiting[which[found]] = False
    return form, waiting


def _signed(requant: Requant, bias: Int, steps: Steps) -> tuple[HighWord, NDArray[np.bool_]]:
    """The form that rounds as DOUBLE is defined, and the channels for which it is not right."""
    multiplier, total = real_scales(requant, len(bias))
    alive = ~steps.constant
    shift = np.clip(total - 31, 1, SIGNED_MAX_SHIFT)
    zero = requant.zero_point
    constant = -(-(bias * multiplier + 2**30 - shift) // BYTE) * BYTE + shift
    # Constant outputs with a shift of 8: value - zero, before the zero point is added.
    constant = np.where(alive, constant, ((steps.wanted[0] - zero) << 39) + 8)
    form = HighWord(np.where(alive, multiplier, 0), constant, True, zero)
    acc = steps.points - bias
    proven = steps.agree(form.apply(acc, requant)) & form.fits(acc)
    return form, ~proven | (alive & (shift != total - 31))


def real_scales(requant: Requant, count: int) -> tuple[Int, Int]:
    """Significand and right shift of the product, per channel."""
    pairs = list(zip(requant.multiplier, requant.shift, strict=True))
    if requant.rule is Rounding.FLOAT:
        pairs = [quantize_multiplier(bits_float(m)) for m, _ in pairs]
    found = np.broadcast_to(np.array(pairs, np.int64), (count, 2)).copy()
    return found[:, 0], (32 if requant.rule is Rounding.HIGH else 31) - found[:, 1]
