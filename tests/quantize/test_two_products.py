"""Requantization by two 32-bit products: equal to every rule, for every accumulator, in 32 bits."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from edgekit.ir.ops import Requant, Rounding
from quantize.requantize import make_requant, requantize
from quantize.two_products import TwoProducts, two_products

RULES = (Rounding.DOUBLE, Rounding.SINGLE, Rounding.FLOAT, Rounding.HIGH)


def form_for(requant: Requant, bias: int, low: int, high: int) -> TwoProducts:
    bounds = np.array([low], np.int64), np.array([high], np.int64)
    return two_products(requant, np.array([bias], np.int64), bounds)


def check(form: TwoProducts, requant: Requant, bias: int, low: int, high: int) -> None:
    """Every accumulator of a range, as a core computes it from the words that it loads."""
    acc = np.arange(low, high + 1, dtype=np.int64)
    wanted = requantize(acc[:, None] + bias, requant)
    np.testing.assert_array_equal(form.apply(acc[:, None], requant), wanted)
    ((parts, constant, shift),) = form.words().tolist()
    assert parts < 0
    products = [acc * (parts & 0xFFFF), acc * (parts >> 16 & 0x7FFF)]
    sums = [*products, products[0] + (products[1] >> 11)]
    sums.append(sums[-1] + constant)
    assert max(int(np.abs(s).max()) for s in sums) < 2**31
    found = np.clip((sums[-1] >> shift) - 128, requant.low, requant.high)
    np.testing.assert_array_equal(found, wanted[:, 0])


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
    if form.found.all():
        check(form, requant, bias, low, high)


@pytest.mark.parametrize("scale", [0.0021, 0.0123, 0.037])
def test_a_clamp_at_zero_makes_two_roundings_one(scale: float) -> None:
    requant = make_requant([scale], Rounding.DOUBLE, -128, -128, 127)
    form = form_for(requant, 4321, -60_000, 60_000)
    assert form.found.all()
    check(form, requant, 4321, -60_000, 60_000)


@pytest.mark.parametrize("bias", [-(2**30), 2**30])
def test_dead_channels_are_constants(bias: int) -> None:
    requant = make_requant([0.01], Rounding.DOUBLE, 7, -100, 90)
    form = form_for(requant, bias, -1000, 1000)
    assert form.found.all()
    check(form, requant, bias, -1000, 1000)


@pytest.mark.parametrize(
    ("low", "bias"),
    [(-128, 2**27), (-127, 0)],
    ids=["a bias that leaves the multiplier too few bits", "outputs that are rounded twice"],
)
def test_channels_without_the_form(low: int, bias: int) -> None:
    zero = -128 if low == -128 else 0
    requant = make_requant([0.013], Rounding.DOUBLE, zero, low, 127)
    assert not form_for(requant, bias, -bias - 50_000, -bias + 50_000).found.any()
