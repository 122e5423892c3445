"""Fixed-point functions of gemmlowp (``fixedpoint.h``) on int16 numbers, over int64 arrays.

Raw values are int16 numbers; Qa.b means a integer and b fraction bits. They define the logistic
function and the hyperbolic tangent of TFLite's integer LSTM to the last bit.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from quantize.reference.fixedpoint import (
    EXP_MINUS_1_8,
    EXP_STEPS,
    MINUS_32_OVER_17,
    ONE_THIRD,
    Q48_OVER_17,
)
from quantize.requantize import rounding_divide_by_pot

Array = NDArray[np.int64]

LOW, HIGH = -(2**15), 2**15 - 1
_EIGHTH = 1 << 12
_ONE_Q2 = 1 << 13
_CLAMPED_BITS = 5
"""From more integer bits on, exp clamps what lies below -32."""


def constant(q31: int) -> int:
    """A constant of an int32 format in the int16 format with as many integer bits."""
    return int(rounding_divide_by_pot(np.asarray(q31, np.int64), 16))


def multiply(a: Any, b: Any) -> Array:
    """``SaturatingRoundingDoublingHighMul`` of int16 numbers: ``a * b / 2**15``, half up."""
    return np.asarray(np.minimum((np.asarray(a, np.int64) * b + 2**14) >> 15, HIGH))


def saturate(x: Any) -> Array:
    """Clamp to int16."""
    return np.asarray(np.clip(x, LOW, HIGH), np.int64)


def logistic(x: Array) -> Array:
    """Logistic function of Q3.12 as Q0.15."""
    denominator = _half_denominator(exp_on_negative_values(-np.abs(x), 3))
    positive = saturate(_reciprocal(denominator) << 1)
    return np.where(x == 0, 1 << 14, np.where(x > 0, positive, HIGH - positive))


def tanh(x: Array, integer_bits: int) -> Array:
    """Hyperbolic tangent of a number with ``integer_bits`` as Q0.15."""
    denominator = _half_denominator(exp_on_negative_values(-np.abs(x), integer_bits + 1))
    magnitude = saturate((_reciprocal(denominator) - _ONE_Q2) << 2)
    return np.where(x == 0, 0, np.where(x > 0, magnitude, -magnitude))


def exp_on_negative_values(a: Array, integer_bits: int) -> Array:
    """exp of numbers <= 0 with ``integer_bits`` as Q0.15."""
    fraction = 15 - integer_bits
    quarter = 1 << (fraction - 2)
    rest = (a & (quarter - 1)) - quarter
    result = _exp_near_zero(rest << integer_bits)
    remainder = rest - a
    for place, (_, factor) in enumerate(EXP_STEPS):
        exponent = place - 2
        if exponent < integer_bits:
            hit = (remainder & (1 << (fraction + exponent))) != 0
            result = np.where(hit, multiply(result, constant(factor)), result)
    if integer_bits > _CLAMPED_BITS:
        result = np.where(a < -(32 << fraction), 0, result)
    return np.where(a == 0, HIGH, result)


def _exp_near_zero(a: Array) -> Array:
    """exp on [-1/4, 0) in Q0.15, by its Taylor polynomial around -1/8."""
    x = a + _EIGHTH
    square = multiply(x, x)
    cube, fourth = multiply(square, x), multiply(square, square)
    inner = rounding_divide_by_pot(fourth, 2) + cube
    tail = rounding_divide_by_pot(multiply(inner, constant(ONE_THIRD)) + square, 1)
    factor = constant(EXP_MINUS_1_8)
    return saturate(factor + multiply(x + tail, factor))


def _half_denominator(x: Array) -> Array:
    """``(1 + x) / 2`` of Q0.15, rounded half away from zero."""
    return np.asarray((x + HIGH + 1) >> 1)


def _reciprocal(half_denominator: Array) -> Array:
    """``1 / half_denominator`` as Q2.13 by three Newton steps."""
    x = constant(Q48_OVER_17) + multiply(half_denominator, constant(MINUS_32_OVER_17))
    for _ in range(3):
        error = _ONE_Q2 - multiply(half_denominator, x)
        x = x + saturate(multiply(x, error) << 2)
    return np.asarray(x)
