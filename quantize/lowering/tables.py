"""Tables of unary functions on int8: the result for each of the 256 elements.

Most follow TFLite's ``LUTPopulate``: dequantize in float32, apply the function, multiply by the
inverse of the output's scale, round half away from zero, add the zero point, clamp. Some have
fixed-point recipes of their own in TFLite (`RECIPES`), which these functions repeat exactly: a
recipe takes ``x - zero point`` for every element and gives results before the output's zero point
is added.
Source: tflite/kernels (``lut.h``, ``elementwise.cc``, ``activations.cc``) and
tflite/kernels/internal/reference (``hard_swish.h``, ``leaky_relu.h``, ``quantization_util.h``).
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from edgekit.ir import Quant
from edgekit.ir.ops import Rounding, Unary
from quantize.lowering.common import Refused
from quantize.reference.fixedpoint import multiply
from quantize.requantize import (
    INT32_MAX,
    quantize_multiplier,
    round_half_away,
    rounding_divide_by_pot,
    scale_accumulator,
)

Whole = NDArray[np.int64]
Recipe = Callable[[Whole, Unary, Quant, Quant], Whole]
Table = tuple[int, ...]

CODES = np.arange(-128, 128, dtype=np.int64)
_HALF_SQRT_2 = 1518500250  # Q0.31
_THREE_HALVES = (1 << 28) + (1 << 27)  # Q3.28


def tabulate(function: Callable[[NDArray[Any]], NDArray[Any]], x: Quant, y: Quant) -> Table:
    """The table of a real function, by ``LUTPopulate``.

    Args:
        function: of float64 arrays.
        x: quantization of the argument.
        y: quantization of the result.
    """
    real = np.float32(x.scale[0]) * (CODES - x.zero_point[0]).astype(np.float32)
    with np.errstate(all="ignore"):
        results = function(real.astype(np.float64)).astype(np.float32)
        scaled = results * (np.float32(1) / np.float32(y.scale[0]))
    lowest = np.where(np.isnan(scaled), -1e6, np.clip(scaled, -1e6, 1e6))
    return _clamped(round_half_away(lowest).astype(np.int64) + y.zero_point[0])


def by_recipe(op: Unary, x: Quant, y: Quant) -> Table | None:
    """The table by the function's fixed-point recipe, None where it has none."""
    recipe = RECIPES.get(op.function)
    if recipe is None:
        return None
    return _clamped(recipe(CODES - x.zero_point[0], op, x, y) + y.zero_point[0])


def _clamped(results: Whole) -> Table:
    return tuple(np.clip(results, -128, 127).tolist())


def _scaled(x: Whole, scale: float) -> Whole:
    """``MultiplyByQuantizedMultiplier`` by a real scale, which may be negative."""
    multiplier, shift = quantize_multiplier(abs(float(scale)))
    signed = -multiplier if scale < 0 else multiplier
    return scale_accumulator(x, (signed,), (shift,), Rounding.DOUBLE)


def _ratio(x: Quant, y: Quant, factor: float = 1.0) -> float:
    """``x scale * factor / y scale`` in float32."""
    return float(np.float32(x.scale[0]) * np.float32(factor) / np.float32(y.scale[0]))


def _abs(x: Whole, op: Unary, x_quant: Quant, y_quant: Quant) -> Whole:
    if x_quant.scale == y_quant.scale:
        return np.abs(x)
    return _scaled(np.abs(x), _ratio(x_quant, y_quant))


def _leaky_relu(x: Whole, op: Unary, x_quant: Quant, y_quant: Quant) -> Whole:
    above = _scaled(x, _ratio(x_quant, y_quant))
    return np.where(x >= 0, above, _scaled(x, _ratio(x_quant, y_quant, op.alpha)))


def _hard_swish(x: Whole, op: Unary, x_quant: Quant, y_quant: Quant) -> Whole:
    """Numbers of 16 bits: x on a scale of 1/128, the product's factor in [0, 1) beside it."""
    fine = np.float32(1 / 128) * np.float32(x_quant.scale[0])
    factor, exponent = _short_multiplier(float(fine / np.float32(y_quant.scale[0])))
    ramp, ramp_exponent = _short_multiplier(float(fine / np.float32(3 / 32768)))
    if exponent > 0:
        raise Refused("its output scale is below 1/128 of its input scale")
    wide = x << 7
    left = max(ramp_exponent, 0)
    share = _saturate16(wide << max(left - 1, 0))
    share = (share * ramp + (1 << 14)) >> 15
    share = _saturate16(share << min(left, 1))
    share = rounding_divide_by_pot(share, max(-ramp_exponent, 0))
    share = (share + (1 << 15)) >> 1
    product = share * ((wide * factor + (1 << 14)) >> 15)
    truncated = np.sign(product) * (np.abs(product) >> 15)
    return rounding_divide_by_pot(truncated, -exponent)


def _short_multiplier(scale: float) -> tuple[int, int]:
    """A significand of 16 bits and the exponent."""
    multiplier, exponent = quantize_multiplier(scale)
    return min((multiplier + (1 << 15)) >> 16, 2**15 - 1), exponent


def _saturate16(x: Whole) -> Whole:
    return np.clip(x, -(2**15), 2**15 - 1)


def _rsqrt(x: Whole, op: Unary, x_quant: Quant, y_quant: Quant) -> Whole:
    """20 bits after the point; what is not positive gives the largest result."""
    root = np.float32(math.sqrt(np.float32(x_quant.scale[0])))
    multiplier, shift = quantize_multiplier(
        float(np.float32(1) / (root * np.float32(y_quant.scale[0])))
    )
    found = np.full(x.shape, 1024, np.int64)
    for index, number in enumerate(x.tolist()):
        if number > 0:
            inverse, exponent = _inverse_root(number)
            wide = scale_accumulator(np.array([1]), (inverse,), (exponent + 20,), Rounding.DOUBLE)
            found[index] = scale_accumulator(wide, (multiplier,), (shift - 20,), Rounding.DOUBLE)[0]
    return found


def _inverse_root(number: int) -> tuple[int, int]:
    """1 / sqrt(number) by five Newton-Raphson steps: significand and exponent."""
    if number <= 1:
        return INT32_MAX, 0
    shift = 11
    pairs = (32 - number.bit_length() - 1) // 2 - 1
    shift -= pairs
    argument = (number << 2 * pairs) >> 1
    half = int(rounding_divide_by_pot(np.array(argument), 1))
    x = 1 << 28
    for _ in range(5):
        cube = _times(_times(x, x), x) << 6
        x = (_times(_THREE_HALVES, x) - _times(half, cube)) << 3
    x = _times(x, _HALF_SQRT_2)
    return (x << -shift, 0) if shift < 0 else (x, -shift)


def _times(a: int, b: int) -> int:
    return int(multiply(np.array(a, np.int64), b))


def _sqrt(x: Whole, op: Unary, x_quant: Quant, y_quant: Quant) -> Whole:
    """Truncated instead of rounded; negative numbers count as 0."""
    root = np.sqrt(np.float32(x_quant.scale[0]) * np.maximum(x, 0).astype(np.float32))
    whole = np.trunc(root * (np.float32(1) / np.float32(y_quant.scale[0])))
    return np.asarray(whole, np.int64)


RECIPES: dict[str, Recipe] = {
    "abs": _abs,
    "hard_swish": _hard_swish,
    "leaky_relu": _leaky_relu,
    "rsqrt": _rsqrt,
    "sqrt": _sqrt,
}
"""Function -> its fixed-point recipe."""
