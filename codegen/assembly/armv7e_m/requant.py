"""Requantization on Armv7E-M: one SMMLAR and one SSAT with an immediate shift.

An output is ``SSAT8(SMMLAR(x, m, a) >> s)``, with SMMLAR giving ``(x * m + 2**31 >> 32) + a``. Here
``x = unit * sum + start`` is what a register holds: a filter's sum, or 256 times the sum where two
filters share one register (`pairs`). Bias, zero point and every rounding constant are in ``start``
and ``a``. All of it is one affine function and a floor, so `quantize.thresholds.affine_offsets`
says which offsets are right, and what remains is to write one of them as ``start * m + a * 2**32``.
With 31 bits for ``m`` there is room to spare: one small shift serves every layer, whatever the
scales of its channels are, and so layers share their code.

TFLite's double rounding is not affine around zero: negative halves fall the other way. Where a
channel shows outputs on both sides of its zero point, `exact_form` follows the rule step by step.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

from edgekit.ir.ops import Requant, Rounding
from quantize.thresholds import Steps, affine_offsets, widest_multiplier

Int = NDArray[np.int64]
SHIFTS = (2, 1, 0, 4, 6, 8)
"""Shifts to try, the best first: large scales need a small one, tiny scales a large one."""
UPPER = 256
"""Unit of the second filter of a pair."""
_HALF = np.int64(1) << 31
_NUDGES = (0, 1, -1, 2, -2)
_ADDENDS = 8192
"""Addends to try on both sides: each moves the offset by 2**32 modulo the multiplier."""
_START_LIMIT = 1 << 30
_ADDEND_LIMIT = 1 << 30
_MOST_SHIFT = 18
_MOST_RIGHT = 23
"""Shift up to which the zero point, shifted left by it, stays inside int32."""


@dataclass(frozen=True, eq=False)
class Affine:
    """Constants of every channel, int64 arrays of int32 values of shape (channels,).

    Attributes:
        start: first value of the register, for a sum without bias.
        multiplier: 0 for channels whose output is constant.
        addend: ``a``.
        shift: ``s`` of channels whose unit is 1; 8 more where it is 256.
    """

    start: Int
    multiplier: Int
    addend: Int
    shift: Int


@dataclass(frozen=True, eq=False)
class Exact:
    """Constants of the rule DOUBLE followed step by step.

    Attributes:
        multiplier: significands.
        shift: to the right, at least 1.
    """

    multiplier: Int
    shift: Int


T = TypeVar("T", Affine, Exact)
Proven = tuple[T, NDArray[np.bool_]]
"""A form, and the channels for which it is not right."""


def affine_form(
    steps: Steps, scales: NDArray[np.float64], bias: Int, unit: Int, base: int, shift: int
) -> Proven[Affine]:
    """Constants with one shift for all channels.

    Args:
        steps: of the requantization, accumulators with bias.
        scales: real ones, see `channel_scales`.
        bias: what the accumulators contain beside the sum, shape (channels,).
        unit: 1 or `UPPER` for each channel.
        base: is subtracted from the outputs.
        shift: for all channels.
    """
    return _solve(steps, scales, bias, unit, base, np.full_like(bias, shift))


def shifted_form(
    steps: Steps, scales: NDArray[np.float64], bias: Int, base: int = 0
) -> Proven[Affine]:
    """`affine_form` with a shift for each channel, such that its multiplier has 31 bits; for sums
    whose unit is 1."""
    with np.errstate(divide="ignore"):
        most = np.floor(-1 - np.log2(scales))
    shift = np.clip(np.where(steps.constant, 0, most), 0, _MOST_SHIFT).astype(np.int64)
    return _solve(steps, scales, bias, np.ones_like(bias), base, shift)


def _solve(
    steps: Steps, scales: NDArray[np.float64], bias: Int, unit: Int, base: int, shift: Int
) -> Proven[Affine]:
    start, multiplier = np.zeros_like(bias), np.zeros_like(bias)
    # What channels keep whose output is constant: no product, the output itself.
    addend = (steps.wanted[0] - base) << (shift + np.where(unit == UPPER, 8, 0))
    missing = ~steps.constant
    total = shift + 32
    near = np.rint(np.ldexp(scales, total))
    for nudge in (*_NUDGES, None):
        able = np.flatnonzero(missing & (near > 0) & (near + (nudge or 0) < 2.0**31))
        if not able.size:
            continue
        column, slope = steps.of(able), near[able].astype(np.int64)
        if nudge is None:
            slope = widest_multiplier(column, slope, total[able])
        else:
            slope = np.maximum(slope + nudge, 1)
        lowest, highest = affine_offsets(column, slope, total[able])
        for c, m, low, high in zip(able, slope, lowest, highest, strict=True):
            moved = int(bias[c]) * int(m) - (base << int(total[c]))
            first, beyond = int(low) + moved, int(high) + 1 + moved
            found = None
            if first < beyond:
                found = _write(first * int(unit[c]), beyond * int(unit[c]) - 1, int(m))
            if found is not None:
                start[c], addend[c] = found
                multiplier[c], missing[c] = m, False
    return Affine(start, multiplier, addend, shift), missing


def _write(lowest: int, highest: int, multiplier: int) -> tuple[int, int] | None:
    """``start`` and ``a`` with ``start * multiplier + a * 2**32 + 2**31`` inside the interval; the
    smallest start that there is."""
    lowest, highest = lowest - int(_HALF), highest - int(_HALF)
    nearest = lowest >> 32
    for reach in (64, _ADDENDS):
        addends = nearest + np.arange(-reach, reach, dtype=np.int64)
        rest = np.int64(lowest - (nearest << 32)) - ((addends - nearest) << 32)
        starts = -(-rest // multiplier)
        width = np.int64(min(highest - lowest, 1 << 62))
        good = (starts * multiplier - rest <= width) & (np.abs(starts) < _START_LIMIT)
        good &= np.abs(addends) < _ADDEND_LIMIT
        if good.any():
            best = np.flatnonzero(good)[np.abs(starts[good]).argmin()]
            return int(starts[best]), int(addends[best])
    return None


def exact_form(steps: Steps, requant: Requant, channels: Int) -> Proven[Exact] | None:
    """The rule DOUBLE as SMMULR of twice the accumulator, sign, shift: proven like any form.

    Args:
        steps: of ``channels``, in this order.
        requant: the definition.
        channels: numbers of channels.

    Returns:
        None for other rules and a narrow clamp.
    """
    if requant.rule is not Rounding.DOUBLE or (requant.low, requant.high) != (-128, 127):
        return None
    pick = channels if len(requant.multiplier) > 1 else np.zeros_like(channels)
    zero_only = steps.constant & (steps.wanted[0] == requant.zero_point)
    shift = np.where(zero_only, 1, -np.array(requant.shift, np.int64)[pick])
    multiplier = np.where(zero_only, 0, np.array(requant.multiplier, np.int64)[pick])
    able = (shift >= 1) & (shift <= _MOST_RIGHT) & (np.abs(steps.points).max(axis=0) < 1 << 30)
    shift = np.where(able, shift, 1)
    twice = 2 * steps.points
    y = ((twice * multiplier + _HALF) >> 32) + ((2 * requant.zero_point + 1) << (shift - 1))
    found = np.clip((y + (twice >> 63)) >> shift, -128, 127)
    return Exact(multiplier, shift), ~(able & steps.agree(found))
