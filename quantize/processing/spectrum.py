"""The numpy definition of the real Fourier transform, in int16 and in float32.

Decimation in time: complex points in digit-reversed order, then stages of radix 2 and 4. In int16
every stage first divides by its radix, so that nothing overflows: the result is the transform over
the number of points. Each step is one that the C does, in the same order.
"""

from __future__ import annotations

from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from quantize.processing.tables import SAMPLE_MAX, Transform, radices

Points = NDArray[Any]
"""(..., 2): real and imaginary parts."""


class Arithmetic(Protocol):
    """What int16 and float32 do differently."""

    def divide(self, x: Points, divisor: int) -> Points:
        """Make room for a sum of ``divisor`` numbers."""

    def multiply(self, a: Points, b: Points) -> Points:
        """Product of complex numbers."""

    def halve(self, x: Points) -> Points:
        """Half of it."""


def _rounded(x: NDArray[np.int64]) -> NDArray[np.int64]:
    return np.asarray((x + (1 << 14)) >> 15)


class Fixed:
    """int16 in int64: products of 15 fractional bits, rounded half up."""

    def divide(self, x: Points, divisor: int) -> Points:
        return _rounded(x * (SAMPLE_MAX // divisor))

    def multiply(self, a: Points, b: Points) -> Points:
        real = _rounded(a[..., 0] * b[..., 0] - a[..., 1] * b[..., 1])
        return np.stack([real, _rounded(a[..., 0] * b[..., 1] + a[..., 1] * b[..., 0])], axis=-1)

    def halve(self, x: Points) -> Points:
        return x >> 1


class Real:
    """float32."""

    def divide(self, x: Points, divisor: int) -> Points:
        return x

    def multiply(self, a: Points, b: Points) -> Points:
        real = a[..., 0] * b[..., 0] - a[..., 1] * b[..., 1]
        return np.stack([real, a[..., 0] * b[..., 1] + a[..., 1] * b[..., 0]], axis=-1)

    def halve(self, x: Points) -> Points:
        return x * np.float32(0.5)


def real_transform(samples: NDArray[Any], table: Transform) -> Points:
    """The first half of the spectrum, ends included.

    Args:
        samples: (n, length), int16 or float32.
        table: of the same arithmetic.

    Returns:
        (n, length / 2 + 1, 2), int64 or float32; the former over ``length``.
    """
    how: Arithmetic = Real() if samples.dtype == np.float32 else Fixed()
    wide = samples if samples.dtype == np.float32 else samples.astype(np.int64)
    twiddles = table.twiddles if samples.dtype == np.float32 else table.twiddles.astype(np.int64)
    half = table.length // 2
    points = np.empty((len(samples), half, 2), wide.dtype)
    points[:, table.order] = wide.reshape(len(samples), half, 2)
    size = 1
    for radix in radices(half):
        stage = _stage_of_four if radix == 4 else _stage_of_two
        points = stage(points, size, twiddles, how)
        size *= radix
    return _split(points, table.split.astype(wide.dtype), how)


def _stage_of_two(points: Points, size: int, twiddles: Points, how: Arithmetic) -> Points:
    block = how.divide(points.reshape(len(points), -1, 2, size, 2), 2)
    turned = how.multiply(block[:, :, 1], twiddles[:: len(twiddles) // (2 * size)][:size])
    out = np.stack([block[:, :, 0] + turned, block[:, :, 0] - turned], axis=2)
    return out.reshape(points.shape)


def _stage_of_four(points: Points, size: int, twiddles: Points, how: Arithmetic) -> Points:
    block = how.divide(points.reshape(len(points), -1, 4, size, 2), 4)
    step = len(twiddles) // (4 * size)
    a, b, c, d = (
        how.multiply(block[:, :, k], twiddles[:: k * step][:size]) if k else block[:, :, 0]
        for k in range(4)
    )
    sum02, difference02 = a + c, a - c
    sum13, difference13 = b + d, b - d
    # a turn of the difference by -i: (re, im) -> (im, -re)
    turned = np.stack([difference13[..., 1], -difference13[..., 0]], axis=-1)
    out = [sum02 + sum13, difference02 + turned, sum02 - sum13, difference02 - turned]
    return np.stack(out, axis=2).reshape(points.shape)


def _split(points: Points, split: Points, how: Arithmetic) -> Points:
    """The spectra of even and odd samples, taken apart and joined."""
    half = points.shape[1]
    out = np.empty((len(points), half + 1, 2), points.dtype)
    ends = how.divide(points[:, 0], 2)
    out[:, 0], out[:, half] = 0, 0
    out[:, 0, 0], out[:, half, 0] = ends[:, 0] + ends[:, 1], ends[:, 0] - ends[:, 1]
    k = np.arange(1, half // 2 + 1)
    low = how.divide(points[:, k], 2)
    high = how.divide(points[:, half - k] * np.array([1, -1], points.dtype), 2)
    even, odd = low + high, how.multiply(low - high, split)
    out[:, k] = how.halve(even + odd)
    out[:, half - k, 0] = how.halve(even[..., 0] - odd[..., 0])
    out[:, half - k, 1] = how.halve(odd[..., 1] - even[..., 1])
    return out
