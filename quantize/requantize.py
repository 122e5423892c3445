"""The one specification of requantization: accumulator to integer output.

Every rule computes ``clamp(scaled(acc) + zero_point, low, high)``; they differ in ``scaled``. With
``m`` the significand and ``s`` the exponent of a channel (`quantize_multiplier`):

======= ==========================================================================================
DOUBLE  ``RDBP(SRDHM(wrap32(acc << max(s, 0)), m), max(-s, 0))``
SINGLE  ``(acc * m + 2**(30 - s)) >> (31 - s)``, one rounding, half up
EVEN    ``rint(float32(float32(acc) * scale))``, ties to even; ``m`` and ``s`` hold a float32 scale
HIGH    ``(acc * m + 2**31) >> 32``, one rounding, half up; ``m = round(scale * 2**32)``
FLOAT   ``round(double(acc) * scale)``, half away from zero; m holds the bits of the double
REDUCED ``(acc * m + 2**(14 - s)) >> (15 - s)``, half up; acc is int64, m the significand in 16 bits
======= ==========================================================================================

``SRDHM(a, b) = (a * b + 2**30) >> 31`` (saturating rounding doubling high multiply; b is never
-2**31 here), ``RDBP(x, n)`` divides by ``2**n`` and rounds half away from zero, ``>>`` is an
arithmetic shift, ``wrap32`` reduces to int32. Products are exact (64 bits). The zero point is added
and the clamp applied to the exact sum, so that nothing wraps after ``scaled``.

Sources: gemmlowp ``fixedpoint.h`` and TFLite ``MultiplyByQuantizedMultiplier`` (DOUBLE, and SINGLE
under TFLITE_SINGLE_ROUNDING); LiteRT's reference fully connected kernel since 2026 (FLOAT; it
requantizes with ``double(s_in) * double(s_w) / double(s_out)``); SMMULR of Armv7E-M (HIGH);
TFLite's ``MultiplyByQuantizedMultiplier`` of int64 accumulators (REDUCED); ONNX
Runtime's ``QLinearConv``, ``QLinearMatMul`` and ``QGemm`` (EVEN).
"""

from __future__ import annotations

import math
import struct
from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import DTypeLike, NDArray

from edgekit.ir.ops import Requant, Rounding

Array = NDArray[Any]
INT32_MAX = 2**31 - 1
MAX_SCALE = 2.0**30
"""Beyond it every accumulator saturates; TFLite's shift ends here too."""

HIGH_MIN_MULTIPLIER = 2**15
"""Below this HIGH keeps too few significant bits for an 8-bit result."""
HIGH_SAFE_BOUND = 2**25
"""HIGH errs by at most ``|acc| * 2**-33``: below this bound less than 1/256 of an output step."""


REDUCED_MAX_SHIFT = 7
"""Largest exponent of REDUCED."""


def quantize_multiplier(real_scale: float) -> tuple[int, int]:
    """Split a scale as ``multiplier * 2**(shift - 31)``, as TFLite's ``QuantizeMultiplier`` does.

    Args:
        real_scale: finite, >= 0.

    Returns:
        The significand, in [2**30, 2**31) or 0, and the exponent (positive shifts left).

    Raises:
        ValueError: the scale is negative, infinite or NaN.
    """
    if not math.isfinite(real_scale) or real_scale < 0:
        raise ValueError(f"scale {real_scale} must be finite and >= 0")
    if real_scale == 0:
        return 0, 0
    fraction, shift = math.frexp(real_scale)
    multiplier = math.floor(fraction * 2**31 + 0.5)
    if multiplier == 2**31:
        multiplier //= 2
        shift += 1
    return (0, 0) if shift < -31 else (multiplier, shift)


def make_requant(
    scales: Sequence[float],
    rule: Rounding,
    zero_point: int = 0,
    low: int = -128,
    high: int = 127,
    bounds: Sequence[int] | None = None,
) -> Requant:
    """The requantization by real scales, one per channel or one for all.

    Args:
        scales: accumulator scale over output scale; EVEN takes them as float32.
        rule: HIGH falls back to SINGLE where a channel does not suit it (`suits_high`).
        zero_point: of the output.
        low, high: clamp of the output.
        bounds: largest ``|acc|`` per scale, where it is known.

    Raises:
        ValueError: a scale does not pass `check_scale`.
    """
    if rule is Rounding.EVEN:
        scales = [float(np.float32(s)) for s in scales]
    for index, scale in enumerate(scales):
        check_scale(scale, None if bounds is None else bounds[index])
    if rule is Rounding.FLOAT:
        multiplier = tuple(float_bits(s) for s in scales)
        return Requant(multiplier, (0,) * len(multiplier), rule, zero_point, low, high)
    if rule is Rounding.HIGH and suits_high(scales, bounds):
        multiplier = tuple(math.floor(s * 2**32 + 0.5) for s in scales)
        return Requant(multiplier, (0,) * len(multiplier), rule, zero_point, low, high)
    pairs = [quantize_multiplier(s) for s in scales]
    if rule is Rounding.REDUCED:
        pairs = [_reduced(m, s) for m, s in pairs]
    if rule is Rounding.HIGH:
        rule = Rounding.SINGLE
    return Requant(
        tuple(m for m, _ in pairs), tuple(s for _, s in pairs), rule, zero_point, low, high
    )


def _reduced(multiplier: int, shift: int) -> tuple[int, int]:
    """A significand in 16 bits.

    Raises:
        ValueError: TFLite's recipe does not know so large a scale.
    """
    if shift > REDUCED_MAX_SHIFT:
        raise ValueError(
            f"requantization scales from 2**{REDUCED_MAX_SHIFT} on have no 16-bit form"
        )
    return min((multiplier + (1 << 15)) >> 16, 2**15 - 1), shift


def check_scale(scale: float, bound: int | None = None) -> None:
    """Check that a requantization can use this scale.

    Args:
        scale: accumulator scale over output scale.
        bound: largest ``|acc|``, where it is known. The product must then stay below 2**30, so that
            no rule meets an overflow: implementations are free in how they would treat it.

    Raises:
        ValueError: the scale is negative, NaN, not below `MAX_SCALE`, or too large for ``bound``.
    """
    if not 0 <= scale < MAX_SCALE:
        raise ValueError(f"requantization scale {scale:.6g} is outside [0, 2**30)")
    if bound is not None and scale * bound >= 2**30:
        raise ValueError(f"requantization scale {scale:.6g} takes accumulators beyond int32")


def suits_high(scales: Sequence[float], bounds: Sequence[int] | None = None) -> bool:
    """True where HIGH holds every scale in an int32 with enough precision."""
    for index, scale in enumerate(scales):
        multiplier = math.floor(scale * 2**32 + 0.5)
        small = bounds is not None and bounds[index] <= HIGH_SAFE_BOUND
        if multiplier > INT32_MAX or (multiplier < HIGH_MIN_MULTIPLIER and not small):
            return False
    return True


def accumulator_bounds(
    weights: Array, bias: Array, x_zero: int, x_range: tuple[int, int] = (-128, 127)
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Smallest and largest value that each output channel's accumulator can take, padding included.

    Args:
        weights: integers, output channel first.
        bias: one per output channel.
        x_zero: zero point of the input; padding contributes exactly nothing.
        x_range: smallest and largest input.

    Returns:
        Two int64 arrays with one element per channel.
    """
    flat = weights.astype(np.int64).reshape(weights.shape[0], -1)
    low, high = min(x_range[0] - x_zero, 0), max(x_range[1] - x_zero, 0)
    positive, negative = np.maximum(flat, 0).sum(axis=1), np.minimum(flat, 0).sum(axis=1)
    centre = bias.astype(np.int64)
    return centre + positive * low + negative * high, centre + positive * high + negative * low


def float_bits(scale: float) -> int:
    """The 64 bits of a double as an unsigned integer."""
    return int.from_bytes(struct.pack("<d", scale), "little")


def bits_float(bits: int) -> float:
    """The double with these 64 bits."""
    value: float = struct.unpack("<d", bits.to_bytes(8, "little"))[0]
    return value


def channel_scales(requant: Requant, channels: int) -> NDArray[np.float64]:
    """The real scale of every channel."""
    if requant.rule is Rounding.FLOAT:
        scales = np.array([bits_float(m) for m in requant.multiplier])
    else:
        exponent = np.array(requant.shift) - (32 if requant.rule is Rounding.HIGH else 31)
        scales = np.ldexp(np.array(requant.multiplier, np.float64), exponent)
    return np.broadcast_to(scales, (channels,))


def requantize(acc: Array, requant: Requant, dtype: DTypeLike = np.int8) -> Array:
    """Requantize accumulators.

    Args:
        acc: integers of any shape within int32 (48 bits for REDUCED), channels in the last axis.
        requant: one multiplier for all or as many as there are channels.
        dtype: integer type of the result.

    Returns:
        The same shape in ``dtype``.
    """
    scaled = scale_accumulator(acc, requant.multiplier, requant.shift, requant.rule)
    scaled += requant.zero_point
    np.clip(scaled, requant.low, requant.high, out=scaled)
    return scaled.astype(dtype)


def scale_accumulator(
    acc: Array, multiplier: Sequence[int], shift: Sequence[int], rule: Rounding
) -> NDArray[np.int64]:
    """``scaled(acc)`` of the module's table, as int64 of the shape of ``acc``."""
    if rule is Rounding.FLOAT:
        scale = np.array([bits_float(m) for m in multiplier])
        return round_half_away(acc.astype(np.float64) * scale).astype(np.int64)
    x = acc.astype(np.int64)
    m, s = np.array(multiplier, np.int64), np.array(shift, np.int64)
    if rule is Rounding.HIGH:
        return np.asarray((x * m + 2**31) >> 32)
    if rule is Rounding.REDUCED:
        return np.asarray((x * m + (np.int64(1) << (14 - s))) >> (15 - s))
    if rule is Rounding.EVEN:
        scale = np.ldexp(m.astype(np.float64), s - 31).astype(np.float32)
        return np.asarray(np.rint(x.astype(np.float32) * scale).astype(np.int64))
    if rule is Rounding.SINGLE:
        # 2**(30 - s) is halved before shifting so that s = 31 (no shift at all) adds nothing.
        return np.asarray((x * m + ((np.int64(1) << (31 - s)) >> 1)) >> (31 - s))
    if (s > 0).any():
        x = wrap32(x << np.maximum(s, 0))
    return rounding_divide_by_pot((x * m + 2**30) >> 31, np.maximum(-s, 0))


def rounding_divide_by_pot(x: NDArray[np.int64], exponent: Any) -> NDArray[np.int64]:
    """``x / 2**exponent`` rounded half away from zero."""
    e = np.asarray(exponent, np.int64)
    half = (np.int64(1) << e) >> 1
    # Half up, minus one unit before the shift for negative x: exact ties then fall away from zero.
    return np.asarray((x + half - ((x < 0) & (e > 0))) >> e)


def wrap32(x: NDArray[np.int64]) -> NDArray[np.int64]:
    """Reduce modulo 2**32 into int32, as two's complement hardware does."""
    return np.asarray(((x + 2**31) & (2**32 - 1)) - 2**31)


def round_half_away(x: Any) -> Array:
    """C's ``round``: to the nearest integer, exact ties away from zero."""
    whole = np.trunc(x)
    rest = x - whole
    return np.asarray(whole + (rest >= 0.5) - (rest <= -0.5))
