"""Requantization in six instructions: MULHU, ADD, SRA, one comparison, ADD, SB.

The sum of products arrives as an unsigned field of ``bits`` bits, ``sum + 2**(bits - 1)``, and is
shifted to the top of a register. Then, with a multiplier, an offset and a shift for each channel,

    v = MULHU(field << (32 - bits), multiplier) + offset        (wraps to int32)
    y = low + clamp(v >> shift, 0, high - low)

The bias, the zero point, the field's offset and every rounding constant are in ``offset``. Rules
that round negative values differently need another offset below zero:

    v += correction where v < 0
    y = low + clamp(((v >> (shift - 1)) + 2 * (zero_point - low) + 1) >> 1, 0, high - low)

Where nothing adds the field's offset on the way, MULH takes the sum itself and a multiplier of 31
bits.

Both forms are monotone in the sum, so `quantize.thresholds` proves them from the steps of the
definition. Where the nearest multiplier fails at some step others nearby are tried.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from edgekit.ir.ops import Requant
from quantize.memo import by_content
from quantize.requantize import channel_scales
from quantize.thresholds import Steps, affine_offsets, find_steps, widest_multiplier

Int = NDArray[np.int64]
NO_FORM = "a scale has no proven form"
Fields = Literal["unsigned", "signed"]
LARGEST_BIAS = 1 << 28
"""Beyond it products leave int64; no living channel has such a bias."""
_COARSER = (0, 1, 2)
"""Fractional bits fewer than there is room for."""
_NUDGES = (0, *(sign * n for n in range(1, 65) for sign in (1, -1)))


@dataclass(frozen=True, eq=False)
class Scaling:
    """The proven constants of a layer, one of each for every channel.

    Attributes:
        multiplier: 32 bits, unsigned.
        offset: 32 bits.
        shift: 0 to 31.
        correction: added to negative values; empty where one offset serves both signs.
    """

    multiplier: Int
    offset: Int
    shift: Int
    correction: Int

    @property
    def is_signed(self) -> bool:
        """True where negative values have an offset of their own."""
        return bool(self.correction.size)

    @property
    def table(self) -> NDArray[np.int32]:
        """Rows of three words: multiplier, offset, and the shift that is executed (five bits, all
        that SRA reads) with the correction above it."""
        third = self.shift
        if self.is_signed:
            third = (self.correction << 5) + self.shift - 1
        rows = np.stack([self.multiplier, self.offset, third], axis=1)
        return np.asarray(rows.ravel().astype(np.uint32).view(np.int32))


@by_content(64)
def find_scaling(
    requant: Requant, low: Int, high: Int, bias: Int, bits: int, fields: Fields = "unsigned"
) -> Scaling | None:
    """Constants for every channel, or None where some channel has no proven form.

    Args:
        requant: the specification.
        low, high: smallest and largest accumulator of each channel, bias included.
        bias: of each channel, zero points folded in.
        bits: width of the field; ``accumulator - bias`` fits it with its sign.
        fields: what is shifted to the top: ``signed`` is the sum itself, for MULH.
    """
    return next(
        (f for f, lacking in _forms(requant, low, high, bias, bits, fields) if not lacking.any()),
        None,
    )


def without_scaling(
    requant: Requant, low: Int, high: Int, bias: Int, bits: int, fields: Fields = "unsigned"
) -> NDArray[np.bool_]:
    """Channels without constants, of the form that serves most; arguments as `find_scaling`."""
    return best_scaling(requant, low, high, bias, bits, fields)[1]


def best_scaling(
    requant: Requant, low: Int, high: Int, bias: Int, bits: int, fields: Fields = "unsigned"
) -> tuple[Scaling, NDArray[np.bool_]]:
    """The form that serves most channels, and the others; arguments as `find_scaling`."""
    found = list(_forms(requant, low, high, bias, bits, fields))
    return min(found, key=lambda each: np.count_nonzero(each[1]))


def _forms(
    requant: Requant, low: Int, high: Int, bias: Int, bits: int, fields: Fields
) -> Iterator[tuple[Scaling, NDArray[np.bool_]]]:
    """Constants of every form, and the channels for which they are not right."""
    search = _Search(requant, find_steps(requant, low, high), bias, bits, fields == "unsigned")
    yield search.run(one_offset)
    if fields == "unsigned":  # no kernel of signed sums knows corrections
        yield search.run(two_offsets)


def field_bits(low: Int, high: Int) -> int:
    """Bits of a field for sums from ``low`` to ``high``."""
    return 1 + int(max(-low.min(), high.max() + 1)).bit_length()


class _Search:
    """Finds the constants of one layer, all channels at once."""

    def __init__(
        self, requant: Requant, steps: Steps, bias: Int, bits: int, is_unsigned: bool
    ) -> None:
        self.requant, self.steps, self.bits = requant, steps, bits
        self.start = 1 << (bits - 1) if is_unsigned else 0
        self.multiplier_bits = 32 if is_unsigned else 31
        self.dead = steps.constant
        self.bias = np.where(self.dead, 0, bias)
        self.scale = np.where(self.dead, 0.0, channel_scales(requant, len(bias)))
        # As fine as the multiplier's 32 bits and the result's 32 bits allow.
        largest = np.abs(steps.points).max(axis=0) * self.scale + 512
        room = 31 - np.ceil(np.log2(largest))
        with np.errstate(divide="ignore"):
            fine = np.floor(self.multiplier_bits - bits - np.log2(self.scale))
        self.shift = np.clip(np.minimum(room, fine), 0, 31).astype(np.int64)

    def run(self, form: Form) -> tuple[Scaling, NDArray[np.bool_]]:
        """The constants of a form, and the channels for which they are not right."""
        found = np.zeros((4, len(self.bias)), np.int64)
        suits = (np.abs(self.bias) <= LARGEST_BIAS) & (self.shift >= 1)
        left = np.flatnonzero(suits)
        nudges = (0, None) if form is one_offset else _NUDGES
        for less, nudge in itertools.product(_COARSER, nudges):
            if not left.size:
                break
            shift = np.maximum(self.shift[left] - less, 1)
            multiplier = self.multipliers(left, shift, nudge)
            offset, correction, good = form(self, left, multiplier, shift)
            rows = np.stack([multiplier, offset, shift, correction])
            found[:, left[good]] = rows[:, good]
            left = left[~good]
        correction = found[3] if form is two_offsets else found[3, :0]
        suits[left] = False
        return Scaling(found[0], found[1], found[2], correction), ~suits

    def multipliers(self, which: Int, shift: Int, nudge: int | None) -> Int:
        """Those nearest to the real scales and a nudge, or the ones that leave most room."""
        largest = (1 << self.multiplier_bits) - 1
        exact = np.rint(np.ldexp(self.scale[which], self.bits + shift)).astype(np.int64)
        exact = np.clip(exact, 0, largest)
        if nudge is None:
            moved = widest_multiplier(self.columns(which), exact, shift + self.bits, largest)
        else:
            moved = np.clip(exact + nudge, 0, largest)
        return np.where(self.dead[which], 0, moved)

    def columns(self, which: Int) -> Steps:
        """The steps of some channels."""
        points, wanted = self.steps.points[:, which], self.steps.wanted[:, which]
        return replace(self.steps, points=points, wanted=wanted)

    def offsets(self, steps: Steps, which: Int, multiplier: Int, shift: Int) -> tuple[Int, Int]:
        """Smallest and largest constant that works for ``(field * multiplier >> bits) + constant``,
        the result having ``shift`` fractional bits and counting from ``low``."""
        lowest, highest = affine_offsets(steps, multiplier, shift + self.bits)
        inside = (self.start - self.bias[which]) * multiplier
        inside += self.requant.low << (shift + self.bits)
        return -((inside - lowest) >> self.bits), (highest - inside) >> self.bits

    def agree(
        self, which: Int, multiplier: Int, shift: Int, offset: Int, correction: Int
    ) -> NDArray[np.bool_]:
        """Channels for which the form with two offsets gives the wanted outputs."""
        steps = self.columns(which)
        field = steps.points - self.bias[which] + self.start
        value = ((field * multiplier) >> self.bits) + offset
        value += np.where(value < 0, correction, 0)
        fits = (np.abs(value) < 2**31).all(axis=0)
        zero = 2 * (self.requant.zero_point - self.requant.low) + 1
        found = ((value >> (shift - 1)) + zero) >> 1
        top = self.requant.high - self.requant.low
        return np.asarray(steps.agree(np.clip(found, 0, top) + self.requant.low) & fits)


Form = Callable[[_Search, Int, Int, Int], tuple[Int, Int, NDArray[np.bool_]]]


def one_offset(
    search: _Search, which: Int, multiplier: Int, shift: Int
) -> tuple[Int, Int, NDArray[np.bool_]]:
    """Offsets of the form without a correction, and where they are right."""
    steps, dead = search.columns(which), search.dead[which]
    lowest, highest = search.offsets(steps, which, multiplier, shift)
    constant = (steps.wanted[0] - search.requant.low) << shift
    good = dead | ((lowest <= highest) & (np.abs(lowest) < 2**31))
    return np.where(dead, constant, lowest), np.zeros_like(lowest), good


def two_offsets(
    search: _Search, which: Int, multiplier: Int, shift: Int
) -> tuple[Int, Int, NDArray[np.bool_]]:
    """Offsets and corrections of the form with a correction, and where they are right."""
    steps, dead = search.columns(which), search.dead[which]
    zero_point, low = search.requant.zero_point, search.requant.low
    half = (2 * (zero_point - low) + 1) << (shift - 1)
    found = []
    for end, side in ((-1, steps.points >= 0), (-2, steps.points < 0)):
        one_side = replace(
            steps,
            points=np.where(side, steps.points, steps.points[end]),
            wanted=np.where(side, steps.wanted, steps.wanted[end]),
        )
        lowest, highest = search.offsets(one_side, which, multiplier, shift)
        near = -(((search.start - search.bias[which]) * multiplier) >> search.bits)
        found.append(np.clip(near, lowest - half, highest - half))
    constant = (steps.wanted[0] - zero_point) << shift
    offset = np.where(dead, constant, found[0])
    correction = np.where(dead, 0, found[1] - found[0])
    good = search.agree(which, multiplier, shift, offset, correction)
    return offset, correction, good & (np.abs(correction) < 2**26) & (np.abs(offset) < 2**31)
