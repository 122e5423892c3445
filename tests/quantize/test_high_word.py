"""Requantization by the high word of a product: equal to every rule, for every accumulator."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from edgekit.ir.ops import Requant, Rounding
from quantize.high_word import HighWord, high_word
from quantize.requantize import make_requant, requantize

RULES = (Rounding.DOUBLE, Rounding.SINGLE, Rounding.FLOAT, Rounding.HIGH)


def form_for(requant: Requant, bias: int, low: int, high: int) -> HighWord | None:
    bounds = np.array([low], np.int64), np.array([high], np.int64)
    return high_word(requant, np.array([bias], np.int64), bounds)


def check(form: HighWord, requant: Requant, bias: int, low: int, high: int) -> None:
    """Every accumulator of a range, by the words that a core loads."""
    acc = np.arange(low, high + 1, dtype=np.int64)[:, None]
    wanted = requantize(acc + bias, requant)
    np.testing.assert_array_equal(form.apply(acc, requant), wanted)
    ((multiplier, low_word, high_word_),) = form.words().astype(np.int64).tolist()
    assert 0 <= multiplier < 2**31
    assert (high_word_ << 32) + low_word % 2**32 == form.constant[0]


@settings(max_examples=50, deadline=None)
@given(
    rule=st.sampled_from(RULES),
    exponent=st.floats(-14, -1.01),
    bias=st.integers(-(2**18), 2**18),
    zero=st.integers(-128, 127),
    clamps=st.booleans(),
    centre=st.integers(-(2**16), 2**16),
)
def test_every_rule(
    rule: Rounding, exponent: float, bias: int, zero: int, clamps: bool, centre: int
) -> None:
    requant = make_requant([2**exponent], rule, zero, zero if clamps else -128, 127)
    low, high = centre - 3000 - bias, centre + 3000 - bias
    form = form_for(requant, bias, low, high)
    assert form is not None
    assert form.signed <= (rule is Rounding.DOUBLE and not clamps)
    check(form, requant, bias, low, high)


@pytest.mark.parametrize("rule", [Rounding.DOUBLE, Rounding.SINGLE, Rounding.HIGH])
@pytest.mark.parametrize("exponent", range(2, 14))
def test_exact_ties(rule: Rounding, exponent: int) -> None:
    requant = make_requant([2.0**-exponent], rule, 5)
    form = form_for(requant, 3, -40000, 40000)
    assert form is not None
    check(form, requant, 3, -40000, 40000)


@pytest.mark.parametrize("rule", RULES)
@pytest.mark.parametrize("bias", [-(2**30), 2**30])
def test_dead_channels_are_constants(rule: Rounding, bias: int) -> None:
    requant = make_requant([0.01], rule, 7, -100, 90)
    form = form_for(requant, bias, -1000, 1000)
    assert form is not None
    assert form.multiplier[0] == 0
    check(form, requant, bias, -1000, 1000)


@pytest.mark.parametrize("rule", [Rounding.DOUBLE, Rounding.SINGLE])
def test_large_scales_have_no_form(rule: Rounding) -> None:
    assert form_for(make_requant([0.75], rule), 0, -100, 100) is None


def test_ties_away_from_zero_take_a_larger_significand() -> None:
    requant = make_requant([0.25], Rounding.FLOAT)
    form = form_for(requant, 0, -9000, 9000)
    assert form is not None
    assert form.multiplier[0] > 2**30
    check(form, requant, 0, -9000, 9000)


def test_rounding_to_even_is_taken_where_it_cannot_be_told_from_half_up() -> None:
    assert form_for(make_requant([0.0123], Rounding.EVEN), 0, -9000, 9000) is not None
    assert form_for(make_requant([0.25], Rounding.EVEN), 0, -9000, 9000) is None
