"""The high word of one product is TFLite's 16-bit requantization, wherever it is offered."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from edgekit.ir.ops import Requant, Rounding
from quantize.narrow_form import narrow_form
from quantize.requantize import requantize

LIMIT = 2**31 - 1


def reduced(multiplier: int, shift: int) -> Requant:
    """One scale for all channels."""
    return Requant((multiplier,), (shift,), Rounding.REDUCED, 0, -(2**15), 2**15 - 1)


@given(
    st.integers(2**14, 2**15 - 1), st.integers(-17, -1),
    st.lists(st.integers(-LIMIT, LIMIT), min_size=1, max_size=50), st.integers(-(2**15), 2**15),
)  # fmt: skip
def test_equal_everywhere(m: int, shift: int, some: list[int], step: int) -> None:
    """Random sums, the ends, and both sides of a step of the output."""
    requant = reduced(m, shift)
    found = narrow_form(requant, np.ones((2, 1), np.int8), np.zeros(2, np.int64))
    assert not isinstance(found, str)
    edge = int(np.clip(((2 * step + 1) << (14 - shift)) // m, 2 - LIMIT, LIMIT - 2))
    acc = np.array([*some, LIMIT, -LIMIT, 0, *range(edge - 2, edge + 3)], np.int64)
    high = (acc * found[0] + 2**31) >> 32
    wanted = requantize(acc[:, None], requant, np.int64)[:, 0]
    np.testing.assert_array_equal(np.clip(high, -(2**15), 2**15 - 1), wanted)
    assert 0 <= found[0] < 2**31


def test_what_is_not_offered() -> None:
    ones, none = np.ones((1, 1), np.int8), np.zeros(1, np.int64)
    double = Requant((2**30,), (-3,), Rounding.DOUBLE, 0, -(2**15), 2**15 - 1)
    assert narrow_form(double, ones, none) == "not TFLite's scale of 16 bits"
    for shift in (-18, 0):
        found = narrow_form(reduced(20000, shift), ones, none)
        assert found == "a scale beyond the high word of a product"
    limit = np.array([2**31 - 2**15 - 1])
    assert not isinstance(narrow_form(reduced(20000, -4), ones, limit), str)
    assert narrow_form(reduced(20000, -4), ones, limit + 1) == "sums beyond 32 bits"


@pytest.mark.parametrize("shift", [-31, 0])
def test_a_scale_of_zero_is_always_held(shift: int) -> None:
    found = narrow_form(reduced(0, shift), np.ones((3, 2), np.int8), np.zeros(3, np.int64))
    assert not isinstance(found, str)
    assert found.tolist() == [0, 0, 0]
