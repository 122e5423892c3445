"""Fixed-point functions of gemmlowp (``fixedpoint.h``), vectorised over int64 arrays.

Raw values are int32 numbers held in int64; Qa.b means a integer and b fraction bits. They define
TFLite's int8 softmax to the last bit.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from quantize.requantize import INT32_MAX, rounding_divide_by_pot

Raw = NDArray[np.int64]

EXP_MINUS_1_8 = 1895147668  # exp(-1/8), Q0.31
ONE_THIRD = 715827883  # Q0.31
Q48_OVER_17 = 1515870810  # Q2.29
MINUS_32_OVER_17 = -1010580540  # Q2.29
# (bit of the remainder in Q5.26, exp(-2**(bit - 26)) in Q0.31)
EXP_STEPS = (
    (24, 1672461947),
    (25, 1302514674),
    (26, 790015084),
    (27, 290630308),
    (28, 39332535),
    (29, 720401),
    (30, 242),
)


def multiply(a: Raw, b: Raw | int) -> Raw:
    """Saturating rounding doubling high multiply (operands are never both -2**31 here)."""
    return np.asarray((a * b + 2**30) >> 31)


def shift_left_saturating(x: Raw, exponent: int) -> Raw:
    """``x * 2**exponent`` clamped to int32."""
    return np.asarray(np.clip(x << exponent, -(2**31), INT32_MAX))


def exp_on_negative_values(a: Raw) -> Raw:
    """exp(a) for a <= 0 in Q5.26, as Q0.31."""
    quarter = 1 << 24
    rest = (a & (quarter - 1)) - quarter
    result = _exp_between_minus_quarter_and_zero(shift_left_saturating(rest, 5))
    remainder = rest - a
    for bit, factor in EXP_STEPS:
        result = np.where(remainder & (1 << bit), multiply(result, factor), result)
    return np.asarray(np.where(a == 0, INT32_MAX, result))


def _exp_between_minus_quarter_and_zero(a: Raw) -> Raw:
    """exp(a) for -1/4 <= a < 0 in Q0.31: a Taylor polynomial about -1/8."""
    x = a + (1 << 28)
    x2 = multiply(x, x)
    x3 = multiply(x2, x)
    x4_over_4 = rounding_divide_by_pot(multiply(x2, x2), 2)
    tail = rounding_divide_by_pot(multiply(x4_over_4 + x3, ONE_THIRD) + x2, 1)
    return np.asarray(EXP_MINUS_1_8 + multiply(x + tail, EXP_MINUS_1_8))


def reciprocal(x: Raw, integer_bits: int) -> tuple[Raw, Raw]:
    """1 / x by three Newton-Raphson steps.

    Args:
        x: positive, with ``integer_bits`` integer bits.

    Returns:
        The significand in Q0.31 and how many bits it stands above one.
    """
    # frexp of an int below 2**31 is exact in float64: its exponent is the bit length.
    bit_length = np.frexp(x.astype(np.float64))[1].astype(np.int64)
    headroom = 32 - bit_length
    fraction = (x << headroom) - 2**31
    return _one_over_one_plus(fraction), integer_bits - headroom


def _one_over_one_plus(a: Raw) -> Raw:
    """1 / (1 + a) for 0 <= a <= 1 in Q0.31."""
    half_denominator = (a + INT32_MAX + 1) >> 1
    x = Q48_OVER_17 + multiply(half_denominator, MINUS_32_OVER_17)
    for _ in range(3):
        error = (1 << 29) - multiply(half_denominator, x)
        x = x + shift_left_saturating(multiply(x, error), 2)
    return shift_left_saturating(x, 1)
