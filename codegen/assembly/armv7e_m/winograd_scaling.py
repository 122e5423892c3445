"""How the sums of Winograd convolutions, 24 times the real ones, become outputs."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from codegen.assembly.armv7e_m.requant import Exact, affine_form, exact_form, shifted_form
from codegen.assembly.armv7e_m.scaling import CLAMP, SCALE, SHIFT, SHIFT_BITS, TWICE, Scaling, tame
from codegen.assembly.armv7e_m.winograd_frame import LAYER_SHIFT, TWICE_DIVIDED
from codegen.assembly.winograd_parts import FACTOR
from edgekit.ir.ops import Requant
from quantize.memo import by_content
from quantize.requantize import channel_scales
from quantize.thresholds import Steps, find_steps

Int = NDArray[np.int64]
OFFSET = 128
"""What inputs are taken more of."""
LIMIT = 1 << 26
"""Sums below it, times `FACTOR`, are one word, whatever the form."""
_MOST_TWICE = 1 << 28
"""Eight times a sum is one word on the way to `TWICE`."""
_MOST = 1 << 31
_HALF = np.int64(1) << 31
_NUDGES = (0, 1, -1, 2, -2, 3, -3, 4, -4)


@by_content(64)
def find_form(requant: Requant, bias: Int, rows: Int) -> tuple[Scaling, NDArray[np.bool_]]:
    """The form that serves most filters, the cheapest first, and those that it does not serve.

    Args:
        requant: the definition.
        bias: of each filter, the input's zero point folded in.
        rows: weights, filters x inputs.

    Returns:
        Starts are modulo 2**32, those of sums of inputs plus `OFFSET`.
    """
    low = np.minimum(-128 * rows, 127 * rows).sum(axis=1)
    high = np.maximum(-128 * rows, 127 * rows).sum(axis=1)
    bias = tame(requant, bias, low, high, LIMIT)
    steps = find_steps(requant, low + bias, high + bias)
    most = np.abs(steps.points).max(axis=0)
    ends = FACTOR * np.stack([low, high])
    found = []
    for scaling, lacking in _forms(steps, requant, bias, most):
        beyond = (np.abs(ends + scaling.start) >= _MOST).any(axis=0) & (scaling.tail != TWICE)
        found.append((scaling, lacking | beyond))
        if not found[-1][1].any():
            break
    best, lacking = min(found, key=lambda each: int(each[1].sum()))
    start = best.start - FACTOR * OFFSET * rows.sum(axis=1)
    return Scaling(start, best.constants, best.tail, best.shift), lacking


def _forms(
    steps: Steps, requant: Requant, bias: Int, most: Int
) -> Iterator[tuple[Scaling, NDArray[np.bool_]]]:
    """Every form, the cheapest first, and the filters for which it is not right.

    Only multiples of the factor are ever scaled, so the thresholds of one product and a shift are
    those of the sums, times the factor.
    """
    narrow = (requant.low, requant.high) != (-128, 127)
    able = FACTOR * most < _MOST
    points = np.where(able, FACTOR * steps.points, 0)
    scaled = Steps(points, steps.wanted, steps.low, steps.high)
    scales = channel_scales(requant, len(bias)) / FACTOR
    begin = np.where(able, FACTOR * bias, 0)
    affine, lacking = affine_form(
        scaled, scales, begin, np.ones_like(bias), requant.low if narrow else 0, LAYER_SHIFT
    )
    constants = np.stack([affine.multiplier, affine.addend], axis=1)
    yield Scaling(affine.start, constants, CLAMP if narrow else SCALE, LAYER_SHIFT), lacking | ~able
    exact = exact_form(steps, requant, np.arange(len(bias)))
    if exact is not None:
        multiplier, lacking = _divided(scaled, requant, exact[0])
        constants = np.stack([multiplier, exact[0].shift], axis=1)
        yield Scaling(begin, constants, TWICE_DIVIDED, 0), lacking | ~able
        constants = np.stack([exact[0].multiplier, exact[0].shift], axis=1)
        yield Scaling(FACTOR * bias, constants, TWICE, 0), exact[1] | (most >= _MOST_TWICE)
    affine, lacking = shifted_form(scaled, scales, begin, requant.low)
    lacking = lacking | ~able | (np.abs(affine.addend) >= 1 << (31 - SHIFT_BITS))
    constants = np.stack([affine.multiplier, affine.addend << SHIFT_BITS | affine.shift], axis=1)
    yield Scaling(affine.start, constants, SHIFT, 0), lacking


def _divided(scaled: Steps, requant: Requant, exact: Exact) -> tuple[Int, NDArray[np.bool_]]:
    """Multipliers that have the factor in them, and the filters for which none was found.

    The rule multiplies twice a sum by a significand and rounds; 24 times a sum and a twelfth of the
    significand give nearly the same, and a neighbour of it the same on both sides of every step.
    """
    near = (exact.multiplier + FACTOR // 4) // (FACTOR // 2)
    found, missing = near.copy(), np.ones(len(near), bool)
    zero = (2 * requant.zero_point + 1) << (exact.shift - 1)
    for nudge in _NUDGES:
        multiplier = np.maximum(near + nudge, 0)
        high = (scaled.points * multiplier + _HALF >> 32) + zero + (scaled.points >> 63)
        right = missing & scaled.agree(np.clip(high >> exact.shift, -128, 127))
        found[right], missing[right] = multiplier[right], False
    return found, missing
