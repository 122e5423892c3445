"""Proofs on thresholds: as good as trying every accumulator."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from edgekit.ir.ops import Requant, Rounding
from quantize.requantize import make_requant, requantize
from quantize.thresholds import affine_offsets, find_steps

RULES = tuple(rule for rule in Rounding if rule is not Rounding.REDUCED)
Int = NDArray[np.int64]


@st.composite
def cases(draw: st.DrawFn) -> tuple[Requant, Int, Int]:
    """Up to three channels, with ranges small enough to try every accumulator."""
    count = draw(st.integers(1, 3))
    rule = draw(st.sampled_from(RULES))
    top = 0.49 if rule is Rounding.HIGH else 3.0
    scales = [draw(st.floats(2.0**-10, top)) for _ in range(count)]
    if draw(st.booleans()):
        scales = [2.0 ** draw(st.integers(-9, -2))] * count  # ties
    ends = [sorted(draw(st.tuples(*[st.integers(-(2**14), 2**14)] * 2))) for _ in range(count)]
    clamp = sorted(draw(st.tuples(*[st.integers(-128, 127)] * 2)))
    spec = make_requant(scales, rule, draw(st.integers(-128, 127)), *clamp)
    low, high = np.array(ends, np.int64).T
    return spec, low, high


def every(low: Int, high: Int) -> Int:
    """All accumulators of every channel, shorter columns repeating their last."""
    longest = int((high - low).max()) + 1
    return np.asarray(np.minimum(low + np.arange(longest)[:, None], high))


@settings(max_examples=80, deadline=None)
@given(cases())
def test_between_neighbouring_points_the_output_never_changes(
    case: tuple[Requant, Int, Int],
) -> None:
    spec, low, high = case
    steps = find_steps(spec, low, high)
    wanted = requantize(every(low, high), spec)
    for channel, column in enumerate(steps.points.T):
        order = np.argsort(column, kind="stable")
        assert [column[order[0]], column[order[-1]]] == [low[channel], high[channel]]
        held = np.searchsorted(column[order], every(low, high)[:, channel], side="right") - 1
        found = steps.wanted[order[held], channel]
        np.testing.assert_array_equal(found, wanted[:, channel])
    np.testing.assert_array_equal(steps.constant, (wanted == wanted[0]).all(axis=0))


@settings(max_examples=80, deadline=None)
@given(cases(), st.integers(1, 2**31 - 1), st.integers(8, 40))
def test_offsets_are_all_that_work_and_no_others(
    case: tuple[Requant, Int, Int], multiplier: int, total: int
) -> None:
    """A slope near that of the requantization, and any slope at all."""
    spec, low, high = case
    acc = every(low, high)
    wanted = requantize(acc, spec)
    steps = find_steps(spec, low, high)
    rise = (wanted[-1].astype(np.int64) - wanted[0]) / np.maximum(high - low, 1)
    near = np.clip(np.rint(rise * 2.0**total), 0, 2**31 - 1).astype(np.int64)
    for slope in (near, np.full_like(low, multiplier)):
        lowest, highest = affine_offsets(steps, slope, total)
        for offset in (lowest - 1, lowest, (lowest + highest) >> 1, highest, highest + 1):
            inside = (lowest <= offset) & (offset <= highest)
            far = np.abs(offset) > 1 << 61  # no bound at all
            found = np.clip((acc * slope + offset) >> total, spec.low, spec.high)
            equal = (found == wanted).all(axis=0)
            np.testing.assert_array_equal(equal[~far], inside[~far])


@pytest.mark.parametrize("rule", RULES)
def test_the_rule_itself_agrees_and_a_neighbour_does_not(rule: Rounding) -> None:
    spec = make_requant([0.01, 0.3], rule, 5)
    steps = find_steps(spec, np.array([-30000, -1000]), np.array([30000, 1000]))
    assert steps.agree(requantize(steps.points, spec)).all()
    other = make_requant([0.01, 0.302], rule, 5)
    assert steps.agree(requantize(steps.points, other)).tolist() == [True, False]


def test_dead_channels_are_constant() -> None:
    """A bias beyond int32 saturates whatever the sum is."""
    spec = make_requant([2.0**-8], Rounding.DOUBLE, -128)
    steps = find_steps(spec, np.array([2**33]), np.array([2**33 + 5]))
    assert steps.constant.tolist() == [True]
    assert set(steps.wanted.ravel().tolist()) == {127}
