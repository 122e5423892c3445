"""Every rounding rule against exact rational arithmetic."""

from __future__ import annotations

import math
from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from edgekit.ir.ops import Rounding
from quantize.requantize import (
    accumulator_bounds,
    bits_float,
    float_bits,
    make_requant,
    quantize_multiplier,
    requantize,
    round_half_away,
    rounding_divide_by_pot,
    scale_accumulator,
    suits_high,
    wrap32,
)

HALF = Fraction(1, 2)
accumulators = st.lists(st.integers(-(2**31), 2**31 - 1), min_size=1, max_size=20)
scales = st.floats(2.0**-30, 0.999, allow_nan=False)


def half_up(x: Fraction) -> int:
    return math.floor(x + HALF)


def half_away(x: Fraction) -> int:
    return math.floor(x + HALF) if x >= 0 else -math.floor(-x + HALF)


@given(st.floats(2.0**-31, 2.0**20, allow_nan=False))
def test_multiplier_is_the_scale_to_31_bits(scale: float) -> None:
    multiplier, shift = quantize_multiplier(scale)
    assert 2**30 <= multiplier < 2**31
    exact = Fraction(scale) / Fraction(2) ** (shift - 31)
    assert abs(multiplier - exact) <= 1


@pytest.mark.parametrize(
    ("scale", "expected"),
    [
        (0.0, (0, 0)),
        (1.0, (2**30, 1)),
        (0.5, (2**30, 0)),
        (2.0**-40, (0, 0)),
        (1 - 2.0**-40, (2**30, 1)),  # the significand rounds up to 2**31 and is halved
    ],
)
def test_multiplier_of_special_scales(scale: float, expected: tuple[int, int]) -> None:
    assert quantize_multiplier(scale) == expected


@pytest.mark.parametrize("scale", [-1.0, math.nan, math.inf])
def test_multiplier_refuses(scale: float) -> None:
    with pytest.raises(ValueError, match="finite"):
        quantize_multiplier(scale)


@given(accumulators, scales)
def test_double_rounds_twice(accs: list[int], scale: float) -> None:
    multiplier, shift = quantize_multiplier(scale)
    found = scale_accumulator(np.array(accs), (multiplier,), (shift,), Rounding.DOUBLE)
    for acc, value in zip(accs, found.tolist(), strict=True):
        high = half_up(Fraction(acc * multiplier, 2**31))
        assert value == half_away(Fraction(high, 2**-shift))


@given(st.lists(st.integers(-(2**20), 2**20), min_size=1, max_size=20), st.floats(1.0, 500.0))
def test_double_shifts_left_for_large_scales(accs: list[int], scale: float) -> None:
    multiplier, shift = quantize_multiplier(scale)
    found = scale_accumulator(np.array(accs), (multiplier,), (shift,), Rounding.DOUBLE)
    expected = [half_up(Fraction((acc << shift) * multiplier, 2**31)) for acc in accs]
    assert found.tolist() == expected


@given(accumulators, scales)
def test_single_rounds_once_half_up(accs: list[int], scale: float) -> None:
    multiplier, shift = quantize_multiplier(scale)
    found = scale_accumulator(np.array(accs), (multiplier,), (shift,), Rounding.SINGLE)
    assert found.tolist() == [half_up(Fraction(a * multiplier, 2 ** (31 - shift))) for a in accs]


@given(accumulators, st.integers(2**15, 2**31 - 1))
def test_high_rounds_once_half_up(accs: list[int], multiplier: int) -> None:
    found = scale_accumulator(np.array(accs), (multiplier,), (0,), Rounding.HIGH)
    assert found.tolist() == [half_up(Fraction(a * multiplier, 2**32)) for a in accs]


@given(accumulators, scales)
def test_float_rounds_the_double_product_half_away(accs: list[int], scale: float) -> None:
    found = scale_accumulator(np.array(accs), (float_bits(scale),), (0,), Rounding.FLOAT)
    assert found.tolist() == [half_away(Fraction(float(a) * scale)) for a in accs]


@given(st.integers(-(2**40), 2**40), st.integers(0, 31))
def test_rounding_divide_by_pot(x: int, exponent: int) -> None:
    found = rounding_divide_by_pot(np.array([x]), exponent)
    assert found.tolist() == [half_away(Fraction(x, 2**exponent))]


@given(st.integers(-(2**62), 2**62))
def test_wrap32(x: int) -> None:
    wrapped = int(wrap32(np.array([x]))[0])
    assert (wrapped - x) % 2**32 == 0
    assert -(2**31) <= wrapped < 2**31


def test_round_half_away_does_not_round_the_largest_value_below_half() -> None:
    # floor(x + 0.5) gives 1 here.
    assert round_half_away(np.array([0.49999999999999994])).tolist() == [0.0]
    assert round_half_away(np.array([-2.5, -0.5, 0.5, 1.5])).tolist() == [-3.0, -1.0, 1.0, 2.0]


@given(st.floats(allow_nan=False))
def test_float_bits_round_trip(value: float) -> None:
    assert bits_float(float_bits(value)) == value


def test_requantize_adds_the_zero_point_before_the_clamp_per_channel() -> None:
    requant = make_requant([0.5, 0.25], Rounding.DOUBLE, zero_point=-10, low=-20, high=30)
    acc = np.array([[100, 100], [-100, -16], [3, 6]])
    assert requantize(acc, requant).tolist() == [[30, 15], [-20, -14], [-8, -8]]
    assert requantize(acc, requant).dtype == np.int8


def test_rules_differ_where_they_should() -> None:
    # 0.5 of -1 is -0.5: half up gives 0, half away gives -1.
    acc = np.array([-1])
    values = {}
    for rule in (Rounding.DOUBLE, Rounding.SINGLE, Rounding.FLOAT):
        values[rule] = int(requantize(acc, make_requant([0.25 * 2], rule))[0])
    assert values[Rounding.SINGLE] == 0
    assert values[Rounding.FLOAT] == -1


@pytest.mark.parametrize(
    ("scale", "bound", "expected"),
    [
        (0.4, None, True),
        (0.5, None, False),  # the multiplier would need 33 bits
        (2.0**-17, None, True),
        (2.0**-20, None, False),  # too few significant bits
        (2.0**-20, 2**20, True),  # but enough where the accumulator is small
    ],
)
def test_suits_high(scale: float, bound: int | None, expected: bool) -> None:
    bounds = None if bound is None else [bound]
    assert suits_high([scale], bounds) is expected
    rule = make_requant([scale], Rounding.HIGH, bounds=bounds).rule
    assert rule is (Rounding.HIGH if expected else Rounding.SINGLE)


@given(
    st.lists(st.integers(-3, 3), min_size=2, max_size=2),
    st.integers(-100, 100),
    st.integers(-4, 4),
)
def test_accumulator_bounds_are_reached(row: list[int], bias: int, zero: int) -> None:
    domain = [*range(-4, 5), zero]  # padding acts as the zero point
    reached = [bias + row[0] * (a - zero) + row[1] * (b - zero) for a in domain for b in domain]
    low, high = accumulator_bounds(np.array([row]), np.array([bias]), zero, (-4, 4))
    assert (int(low[0]), int(high[0])) == (min(reached), max(reached))


def half_even(x: Fraction) -> int:
    whole = math.floor(x)
    rest = x - whole
    return whole + int(rest > HALF or (rest == HALF and whole % 2 == 1))


def as_float32(x: Fraction) -> Fraction:
    """The nearest number of 24 significant bits, ties to even."""
    unit = Fraction(1)
    while abs(x) / unit >= 2**24:
        unit *= 2
    while x and abs(x) / unit < 2**23:
        unit /= 2
    return half_even(x / unit) * unit


@given(accumulators, scales)
def test_even_rounds_the_float_product_half_to_even(accs: list[int], scale: float) -> None:
    requant = make_requant([scale], Rounding.EVEN)
    found = scale_accumulator(np.array(accs), requant.multiplier, requant.shift, Rounding.EVEN)
    exact = as_float32(Fraction(scale))
    assert found.tolist() == [half_even(as_float32(as_float32(Fraction(a)) * exact)) for a in accs]
